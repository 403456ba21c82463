import type { LockHandlers } from '@raftsman/proto/gen/v3lockpb/Lock.js';
import type { LockRequest__Output } from '@raftsman/proto/gen/v3lockpb/LockRequest.js';
import type { LockResponse } from '@raftsman/proto/gen/v3lockpb/LockResponse.js';
import {
  firstOf,
  keyOf,
  patient,
  Requests,
  waitForTurn,
  type Concurrency,
  type Place,
} from './concurrency.js';
import { EtcdError, etcdError, etcdErrors, toEtcdError } from './errors.js';
import { unary } from './unary.js';

/**
 * Locks as queues of keys: `<name>/<lease in hex>`, whoever was created first holds the lock. The key ends with its lease, so a lock is
 * answered only after it was seen that the key is still there (etcd 3.4 did not look, and gave locks of expired leases).
 */
export function createLock(concurrency: Concurrency): LockHandlers {
  return {
    Lock: patient(concurrency, async (call, signal) => {
      const requests = new Requests(concurrency, call);
      return lock(concurrency, requests, call.request, signal);
    }),

    Unlock: (call, callback) => {
      const requests = new Requests(concurrency, call);
      const handler = unary<typeof call.request, { header: object | null }>(
        concurrency.context,
        async ({ key }) => ({ header: (await requests.deleteRange({ key })).header }),
      );
      handler(call, callback);
    },
  };
}

async function lock(
  concurrency: Concurrency,
  requests: Requests,
  { name, lease: named }: LockRequest__Output,
  signal: AbortSignal,
): Promise<LockResponse> {
  const lease = await requests.lease(named);
  const key = keyOf(name, lease);
  const { succeeded, responses, header } = await requests.txn({
    compare: [{ key, target: 'CREATE', result: 'EQUAL', createRevision: 0 }],
    success: [{ requestPut: { key, lease } }, { requestRange: firstOf(name) }],
    failure: [{ requestRange: { key } }, { requestRange: firstOf(name) }],
  });
  const rev = succeeded ? header!.revision : responses[0]!.responseRange!.kvs[0]!.createRevision;
  const place = { name, key, rev };
  if (responses[1]!.responseRange!.kvs[0]?.createRevision === rev && !signal.aborted) return { header, key };
  try {
    await waitForTurn(concurrency, requests, place, signal);
    const own = await requests.range({ key });
    if (own.kvs[0]?.createRevision !== rev) throw etcdError('lockSessionExpired');
    if (signal.aborted) throw etcdError('canceled');
    return { header: own.header, key };
  } catch (error) {
    await leave(concurrency, requests, place, error);
    throw error;
  }
}

/**
 * Out of the queue after a refusal; but when this member stops the place is kept, which a client with a lease of its own finds again on
 * another. Never rejects but for a bug: what is left ends with its lease.
 */
export async function leave(
  { context }: Concurrency,
  requests: Requests,
  { key, rev }: Place,
  reason: unknown,
): Promise<void> {
  if (reason instanceof EtcdError && reason.details === etcdErrors.stopped[1]) return;
  try {
    await requests.txn({
      compare: [{ key, target: 'CREATE', result: 'EQUAL', createRevision: rev }],
      success: [{ requestDeleteRange: { key } }],
    });
  } catch (error) {
    if (toEtcdError(error) === undefined) throw error;
    context.logger.warn({ err: error }, 'a place in a queue is left to the end of its lease');
  }
}
