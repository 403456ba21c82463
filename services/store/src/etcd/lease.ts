import { randomBytes } from 'node:crypto';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { MvccError, mvccLimits, noLease, type Lease, type LeaseId } from '@raftsman/mvcc';
import type { LeaseHandlers } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { LeaseKeepAliveRequest__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveRequest.js';
import type { LeaseKeepAliveResponse } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveResponse.js';
import type { LeaseTimeToLiveResponse } from '@raftsman/proto/gen/etcdserverpb/LeaseTimeToLiveResponse.js';
import { requireIdentity, requireReadOfLease, requireWriteOfLease } from '../auth/permissions.js';
import { permit, proposeAs, readAs, type Caller, type Check } from './access.js';
import { header, storeOf, type Context } from './context.js';
import { etcdError, toEtcdError } from './errors.js';
import { isForwarded } from './forwarded.js';
import type { LeaderClient } from './leader-client.js';
import type { LeaseKeeper } from './lease-keeper.js';
import { etcdLimits } from './limits.js';
import { requireSpace } from './space.js';
import { requiresLeader, unary } from './unary.js';

/** Grants and revocations are proposals. Renewals and times to live are the leader's memory: a follower asks it. */
export function createLease(context: Context, keeper: LeaseKeeper, leader: LeaderClient): LeaseHandlers {
  return {
    LeaseGrant: unary(context, async (message, call) => {
      await requireSpace(context);
      const ttlSeconds = Number(message.TTL);
      if (ttlSeconds > mvccLimits.leaseTtlSecondsMax) throw etcdError('leaseTtlTooLarge');
      const { revision, lease } = await grant(
        context,
        call,
        BigInt(message.ID),
        Math.max(ttlSeconds, ttlSecondsMin(context)),
      );
      return { header: header(context, revision), ID: lease.id.toString(), TTL: lease.ttlSeconds };
    }),

    LeaseRevoke: unary(context, async (message, call) => {
      const { revision } = await proposeAs(context, call, { kind: 'lease-revoke', id: BigInt(message.ID) });
      return { header: header(context, revision) };
    }),

    LeaseKeepAlive: (call) =>
      serveKeepAlive(context, call, async (ID) => {
        if (keeper.leads) return renew(context, call, keeper, ID);
        const { TTL } = await askLeader(call, () => leader.keepAlive(ID, call));
        return { header: header(context), ID, TTL };
      }),

    LeaseTimeToLive: unary(context, async ({ ID, keys }, call) => {
      if (keeper.leads) return timeToLive(context, call, keeper, ID, keys);
      const answer = await askLeader(call, () => leader.timeToLive(ID, keys, call));
      return { ...answer, header: header(context) };
    }),

    LeaseLeases: unary(context, async (_, call) => {
      await context.replica.readIndex();
      const check: Check = (auth, who) => {
        requireIdentity(auth, who);
        for (const lease of storeOf(context).leases.all()) requireReadOfLease(auth, who, lease);
      };
      return readAs(context, call, check, () => ({
        header: header(context),
        leases: [...storeOf(context).leases.all()].map(({ id }) => ({ ID: id.toString() })),
      }));
    }),
  };
}

/** A lease must outlive an election, or every change of leader would end it (etcd's minimum: 3/2 of the election timeout). */
const ttlSecondsMin = ({ config }: Context): number => Math.ceil((config.electionTimeoutMs * 3) / 2 / 1000);

async function grant(context: Context, caller: Caller, wanted: LeaseId, ttlSeconds: number) {
  for (let attempt = 1; ; attempt += 1) {
    const id = wanted === noLease ? randomLeaseId() : wanted;
    try {
      return await proposeAs(context, caller, { kind: 'lease-grant', id, ttlSeconds });
    } catch (error) {
      const taken = error instanceof MvccError && error.code === 'lease-exists';
      if (!taken || wanted !== noLease || attempt >= etcdLimits.leaseIdAttemptsMax) throw error;
    }
  }
}

/** Positive and not 0, like etcd's. */
const randomLeaseId = (): LeaseId => BigInt.asUintN(62, randomBytes(8).readBigUInt64BE()) + 1n;

type KeepAliveCall = ServerDuplexStream<LeaseKeepAliveRequest__Output, LeaseKeepAliveResponse>;

/** One request at a time: the next is read when the answer to the last has gone. */
function serveKeepAlive(
  context: Context,
  call: KeepAliveCall,
  renewLease: (id: string) => Promise<LeaseKeepAliveResponse>,
): void {
  let open = true;
  let answered: Promise<void> = Promise.resolve();
  for (const event of ['cancelled', 'close', 'error']) call.on(event, () => (open = false));
  call.on('data', ({ ID }: LeaseKeepAliveRequest__Output) => {
    call.pause();
    answered = answer(ID);
  });
  call.on('end', () => void answered.then(() => call.end()));
  async function answer(id: string): Promise<void> {
    try {
      if (requiresLeader(call.metadata) && context.replica.status().leader === null)
        throw etcdError('noLeader');
      const response = await renewLease(id);
      if (open) call.write(response, () => call.resume());
    } catch (error) {
      const refusal = toEtcdError(error);
      if (refusal === undefined) throw error;
      if (open) call.emit('error', { code: refusal.code, details: refusal.details });
    }
  }
}

async function renew(
  context: Context,
  caller: Caller,
  keeper: LeaseKeeper,
  ID: string,
): Promise<LeaseKeepAliveResponse> {
  await permit(context, caller, (auth, who) =>
    requireWriteOfLease(auth, who, BigInt(ID), storeOf(context).leases),
  );
  const ttlSeconds = await keeper.renew(BigInt(ID));
  if (ttlSeconds === undefined && !keeper.leads) throw etcdError('leaderChanged');
  return { header: header(context), ID, TTL: ttlSeconds ?? 0 };
}

async function timeToLive(
  context: Context,
  caller: Caller,
  keeper: LeaseKeeper,
  ID: string,
  keys: boolean,
): Promise<LeaseTimeToLiveResponse> {
  await context.replica.readIndex();
  const find = (): Lease | undefined => storeOf(context).leases.get(BigInt(ID));
  const check: Check = keys ? (auth, who) => requireReadOfLease(auth, who, find()) : requireIdentity;
  const lease = await readAs(context, caller, check, find);
  const TTL = keeper.remainingSeconds(BigInt(ID));
  if (lease === undefined || TTL === undefined) return { header: header(context), ID, TTL: -1 };
  return {
    header: header(context),
    ID,
    TTL,
    grantedTTL: lease.ttlSeconds,
    keys: keys ? [...lease.keys].sort().map((key) => Buffer.from(key, 'latin1')) : [],
  };
}

async function askLeader<Response>({ metadata }: Caller, ask: () => Promise<Response>): Promise<Response> {
  if (isForwarded(metadata)) throw etcdError('notLeader');
  return ask();
}
