import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import { keyRange, revision, type Revision, type Watcher, type WatchSink } from '@raftsman/mvcc';
import type { DeleteRangeRequest } from '@raftsman/proto/gen/etcdserverpb/DeleteRangeRequest.js';
import type { DeleteRangeResponse__Output } from '@raftsman/proto/gen/etcdserverpb/DeleteRangeResponse.js';
import type { LeaseGrantResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseGrantResponse.js';
import type { RangeRequest } from '@raftsman/proto/gen/etcdserverpb/RangeRequest.js';
import type { RangeResponse__Output } from '@raftsman/proto/gen/etcdserverpb/RangeResponse.js';
import type { TxnRequest } from '@raftsman/proto/gen/etcdserverpb/TxnRequest.js';
import type { TxnResponse__Output } from '@raftsman/proto/gen/etcdserverpb/TxnResponse.js';
import { CallError, status, type Caller, type InProcessServices } from '@raftsman/wire';
import type { Context } from './context.js';
import { EtcdError } from './errors.js';
import { etcdLimits } from './limits.js';
import { unary } from './unary.js';
import type { Waiters } from './waiters.js';
import type { WatchPump } from './watch-pump.js';

/** What locks and elections are made of: the other services of this member, called in the name of whoever called. */
export interface Concurrency {
  readonly context: Context;
  readonly services: InProcessServices;
  readonly pump: WatchPump;
  readonly waiters: Waiters;
}

/** One call and its part of the store. All methods reject with EtcdError. */
export class Requests {
  readonly #services: InProcessServices;
  readonly #caller: Caller;

  constructor({ services }: Concurrency, caller: Caller) {
    this.#services = services;
    this.#caller = caller;
  }

  range = (request: RangeRequest): Promise<RangeResponse__Output> => this.#ask('KV/Range', request);
  txn = (request: TxnRequest): Promise<TxnResponse__Output> => this.#ask('KV/Txn', request);
  deleteRange = (request: DeleteRangeRequest): Promise<DeleteRangeResponse__Output> =>
    this.#ask('KV/DeleteRange', request);

  /** The lease that the caller named, or a new one. */
  async lease(named: string): Promise<string> {
    if (named !== '0') return named;
    const { ID } = await this.#ask<LeaseGrantResponse__Output>('Lease/LeaseGrant', {
      TTL: etcdLimits.sessionTtlSeconds,
    });
    return ID;
  }

  async #ask<Response>(method: string, request: object): Promise<Response> {
    try {
      return await this.#services.ask<Response>(`/etcdserverpb.${method}`, request, this.#caller);
    } catch (error) {
      throw error instanceof CallError ? refusal(error) : error;
    }
  }
}

/** etcd's own client stands between these services and the others there, and keeps the text alone of most refusals; what may be tried again is said here. */
function refusal({ code, details }: CallError): EtcdError {
  const kept = code === status.UNAVAILABLE || code === status.RESOURCE_EXHAUSTED;
  return new EtcdError(kept ? code : status.UNKNOWN, details);
}

/** A unary handler that may wait long: `signal` aborts when the client has gone, or no longer waits. */
export function patient<Request, Response>(
  { context }: Concurrency,
  handle: (call: ServerUnaryCall<Request, Response>, signal: AbortSignal) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const given = new AbortController();
    const abort = (): void => given.abort();
    call.on('cancelled', abort);
    if (call.cancelled) abort();
    const handler = unary<Request, Response>(context, () => handle(call, given.signal));
    handler(call, callback);
  };
}

/** `<name>/`, under which everyone who wants the same has a key. */
export const prefixOf = (name: Buffer): Buffer => Buffer.concat([name, Buffer.from('/')]);

/** Of one lease at most one key: to ask again is to keep one's place. */
export const keyOf = (name: Buffer, lease: string): Buffer =>
  Buffer.concat([prefixOf(name), Buffer.from(BigInt(lease).toString(16))]);

export const prefixRange = (name: Buffer): { key: Buffer; rangeEnd: Buffer } => ({
  key: prefixOf(name),
  rangeEnd: Buffer.concat([name, Buffer.from('0')]),
});

/** Who came first of those who are still there. */
export const firstOf = (name: Buffer): RangeRequest => ({
  ...prefixRange(name),
  sortTarget: 'CREATE',
  sortOrder: 'ASCEND',
  limit: 1,
});

export interface Place {
  readonly name: Buffer;
  readonly key: Buffer;
  /** The key's create revision. */
  readonly rev: string;
}

/**
 * Resolves once all keys of the name that were created before `place` are gone; or as soon as its own is, which cannot come first any
 * more. Rejects with EtcdError; with `stopped` when this member stops, with CANCELLED when `signal` aborts.
 */
export async function waitForTurn(
  concurrency: Concurrency,
  requests: Requests,
  place: Place,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const { kvs, header } = await requests.range({
      ...prefixRange(place.name),
      maxCreateRevision: (BigInt(place.rev) - 1n).toString(),
      sortTarget: 'CREATE',
      sortOrder: 'DESCEND',
      limit: 1,
      keysOnly: true,
    });
    const before = kvs[0];
    if (before === undefined) return;
    const after = revision(Number(header!.revision) + 1);
    const gone = await firstGone(concurrency, [before.key, place.key], after, signal);
    if (gone === place.key) return;
  }
}

/** The key that is deleted first at `from` or later; null if that history is compacted. */
async function firstGone(
  { context, pump, waiters }: Concurrency,
  keys: readonly Buffer[],
  from: Revision,
  signal: AbortSignal,
): Promise<Buffer | null> {
  const { watches } = context.stateMachine;
  let watchers: readonly (readonly [Watcher, Buffer])[] = [];
  try {
    return await waiters.wait<Buffer | null>(signal, (resolve) => {
      const sink: WatchSink = {
        ready: () => true,
        events: (watcher) => resolve(watchers.find(([own]) => own === watcher)?.[1] ?? null),
        compacted: () => resolve(null),
      };
      watchers = keys.map((key) => {
        const range = keyRange(key.toString('latin1'), '');
        return [watches.watch({ range, startRevision: from, noPut: true, noDelete: false }, sink), key];
      });
      // Some of the history may have passed already.
      pump.wake();
    });
  } finally {
    for (const [watcher] of watchers) watches.cancel(watcher);
  }
}
