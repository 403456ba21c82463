import type { ElectionHandlers } from '@raftsman/proto/gen/v3electionpb/Election.js';
import type { CampaignRequest__Output } from '@raftsman/proto/gen/v3electionpb/CampaignRequest.js';
import type { CampaignResponse } from '@raftsman/proto/gen/v3electionpb/CampaignResponse.js';
import type { LeaderKey__Output } from '@raftsman/proto/gen/v3electionpb/LeaderKey.js';
import type { ResponseHeader__Output } from '@raftsman/proto/gen/etcdserverpb/ResponseHeader.js';
import {
  firstOf,
  keyOf,
  patient,
  Requests,
  waitForTurn,
  type Concurrency,
  type Place,
} from './concurrency.js';
import { etcdError } from './errors.js';
import { leave } from './lock.js';
import { observe } from './observe.js';

type Header = ResponseHeader__Output | null;

/** Elections as queues of keys, like locks: whose key was created first leads, and the key's value is what the leader proclaims. */
export function createElection(concurrency: Concurrency): ElectionHandlers {
  return {
    Campaign: patient(concurrency, async (call, signal) =>
      campaign(concurrency, new Requests(concurrency, call), call.request, signal),
    ),

    Proclaim: patient(concurrency, async (call) => {
      const { leader, value } = call.request;
      if (leader === null) throw etcdError('electionLeaderMissing');
      const requests = new Requests(concurrency, call);
      const lease = await requests.lease(leader.lease);
      return { header: await proclaim(requests, leader, lease, value) };
    }),

    Leader: patient(concurrency, async (call) => {
      const { header, kvs } = await new Requests(concurrency, call).range(firstOf(call.request.name));
      if (kvs[0] === undefined) throw etcdError('electionNoLeader');
      return { header, kv: kvs[0] };
    }),

    Observe: (call) => observe(concurrency, call),

    Resign: patient(concurrency, async (call) => {
      const { leader } = call.request;
      if (leader === null) throw etcdError('electionLeaderMissing');
      return { header: await resign(new Requests(concurrency, call), leader) };
    }),
  };
}

async function campaign(
  concurrency: Concurrency,
  requests: Requests,
  { name, lease: named, value }: CampaignRequest__Output,
  signal: AbortSignal,
): Promise<CampaignResponse> {
  const lease = await requests.lease(named);
  const key = keyOf(name, lease);
  const { succeeded, responses, header } = await requests.txn({
    compare: [{ key, target: 'CREATE', result: 'EQUAL', createRevision: 0 }],
    success: [{ requestPut: { key, value, lease } }],
    failure: [{ requestRange: { key } }],
  });
  const earlier = succeeded ? undefined : responses[0]!.responseRange!.kvs[0]!;
  const rev = earlier?.createRevision ?? header!.revision;
  const place: Place = { name, key, rev };
  try {
    if (earlier !== undefined && !earlier.value.equals(value)) await proclaim(requests, place, lease, value);
    await waitForTurn(concurrency, requests, place, signal);
    const own = await requests.range({ key, keysOnly: true });
    if (own.kvs[0]?.createRevision !== rev) throw etcdError('electionNotLeader');
    if (signal.aborted) throw etcdError('canceled');
  } catch (error) {
    await leave(concurrency, requests, place, error);
    throw error;
  }
  return { header, leader: { name, key, rev, lease } };
}

/** Rejects with electionNotLeader unless the key is still that of this term of office. */
async function proclaim(
  requests: Requests,
  { key, rev }: Pick<LeaderKey__Output, 'key' | 'rev'>,
  lease: string,
  value: Buffer,
): Promise<Header> {
  const { succeeded, header } = await requests.txn({
    compare: [{ key, target: 'CREATE', result: 'EQUAL', createRevision: rev }],
    success: [{ requestPut: { key, value, lease } }],
  });
  if (!succeeded) throw etcdError('electionNotLeader');
  return header;
}

/** Whoever does not lead any more has resigned. */
async function resign(requests: Requests, { key, rev }: LeaderKey__Output): Promise<Header> {
  const { header } = await requests.txn({
    compare: [{ key, target: 'CREATE', result: 'EQUAL', createRevision: rev }],
    success: [{ requestDeleteRange: { key } }],
  });
  return header;
}
