import { randomBytes } from 'node:crypto';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { growthOf, MvccError, mvccLimits, noLease, type Lease, type LeaseId } from '@raftsman/mvcc';
import type { LeaseHandlers } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { LeaseKeepAliveRequest__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveRequest.js';
import type { LeaseKeepAliveResponse } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveResponse.js';
import type { LeaseTimeToLiveRequest__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseTimeToLiveRequest.js';
import type { LeaseTimeToLiveResponse } from '@raftsman/proto/gen/etcdserverpb/LeaseTimeToLiveResponse.js';
import { requireIdentity, requireReadOfLease, requireWriteOfLease } from '../auth/permissions.js';
import { permit, proposeAs, readAs, type Asker, type Caller, type Check } from './access.js';
import { header, storeOf, type Context } from './context.js';
import { EtcdError, etcdError, toEtcdError } from './errors.js';
import type { LeaderCalls } from './leader-calls.js';
import type { LeaseKeeper } from './lease-keeper.js';
import { etcdLimits } from './limits.js';
import type { SpaceKeeper } from './space.js';
import { requiresLeader, unary } from './unary.js';

/** Grants and revocations are proposals. Renewals and times to live are the leader's memory: a follower asks it. */
export function createLease(
  context: Context,
  { keeper, leader, space }: { keeper: LeaseKeeper; leader: LeaderCalls; space: SpaceKeeper },
): LeaseHandlers {
  const renew = leader.method('Lease/LeaseKeepAlive', (request: LeaseKeepAliveRequest__Output, asker) =>
    renewHere(context, asker, keeper, request),
  );
  const timeToLive = leader.method(
    'Lease/LeaseTimeToLive',
    (request: LeaseTimeToLiveRequest__Output, asker) => timeToLiveHere(context, asker, keeper, request),
  );
  return {
    LeaseGrant: unary(context, async (message, call) => {
      const ttlSeconds = Number(message.TTL);
      if (ttlSeconds > mvccLimits.leaseTtlSecondsMax) throw etcdError('leaseTtlTooLarge');
      const wanted = { id: BigInt(message.ID), ttlSeconds: Math.max(ttlSeconds, ttlSecondsMin(context)) };
      const { revision, lease } = await grant(context, call, space, wanted);
      return { header: header(context, revision), ID: lease.id.toString(), TTL: lease.ttlSeconds };
    }),

    LeaseRevoke: unary(context, async (message, call) => {
      const { revision } = await proposeAs(context, call, { kind: 'lease-revoke', id: BigInt(message.ID) });
      return { header: header(context, revision) };
    }),

    LeaseKeepAlive: (call) =>
      serveKeepAlive(context, call, async (request) => ({
        ...(await renew(request, call)),
        header: header(context),
      })),

    LeaseTimeToLive: unary(context, async (request, call) => ({
      ...(await timeToLive(request, call)),
      header: header(context),
    })),

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

/** Without an id it gets an unused one. */
async function grant(
  context: Context,
  caller: Caller,
  space: SpaceKeeper,
  wanted: { readonly id: LeaseId; readonly ttlSeconds: number },
) {
  for (let attempt = 1; ; attempt += 1) {
    const id = wanted.id === noLease ? randomLeaseId() : wanted.id;
    const command = { kind: 'lease-grant', id, ttlSeconds: wanted.ttlSeconds } as const;
    try {
      return await space.grow(growthOf(command), () => proposeAs(context, caller, command));
    } catch (error) {
      const taken = error instanceof MvccError && error.code === 'lease-exists';
      if (!taken || wanted.id !== noLease || attempt >= etcdLimits.leaseIdAttemptsMax) throw error;
    }
  }
}

/** Positive and not 0, like etcd's. */
const randomLeaseId = (): LeaseId => BigInt.asUintN(62, randomBytes(8).readBigUInt64BE()) + 1n;

type KeepAliveCall = ServerDuplexStream<LeaseKeepAliveRequest__Output, LeaseKeepAliveResponse>;

/** Renewals of a stream are under way together, some at a time: a slow one does not let the leases of others end. Answers come in the order of the requests. */
function serveKeepAlive(
  context: Context,
  call: KeepAliveCall,
  renew: (request: LeaseKeepAliveRequest__Output) => Promise<LeaseKeepAliveResponse>,
): void {
  let open = true;
  let underWay = 0;
  let answered: Promise<void> = Promise.resolve();
  for (const event of ['cancelled', 'close', 'error']) call.on(event, () => (open = false));
  call.on('data', (request: LeaseKeepAliveRequest__Output) => {
    underWay += 1;
    if (underWay >= etcdLimits.renewalsPerStreamMax) call.pause();
    const renewal = outcomeOf(request);
    answered = answered.then(async () => answer(await renewal));
  });
  call.on('end', () => void answered.then(() => call.end()));
  /** Rejects with what is no refusal. */
  async function outcomeOf(
    request: LeaseKeepAliveRequest__Output,
  ): Promise<LeaseKeepAliveResponse | EtcdError> {
    try {
      if (requiresLeader(call.metadata) && context.replica.status().leader === null)
        throw etcdError('noLeader');
      return await renew(request);
    } catch (error) {
      const refusal = toEtcdError(error);
      if (refusal === undefined) throw error;
      return refusal;
    }
  }
  function answer(outcome: LeaseKeepAliveResponse | EtcdError): void {
    if (!open) return;
    if (outcome instanceof EtcdError) {
      call.emit('error', { code: outcome.code, details: outcome.details });
      return;
    }
    call.write(outcome, () => {
      underWay -= 1;
      call.resume();
    });
  }
}

/** null: this member does not lead (any more). */
async function renewHere(
  context: Context,
  asker: Asker,
  keeper: LeaseKeeper,
  { ID }: LeaseKeepAliveRequest__Output,
): Promise<LeaseKeepAliveResponse | null> {
  await permit(context, asker, (auth, who) =>
    requireWriteOfLease(auth, who, BigInt(ID), storeOf(context).leases),
  );
  const ttlSeconds = await keeper.renew(BigInt(ID));
  if (ttlSeconds === undefined && !keeper.leads) return null;
  return { header: header(context), ID, TTL: ttlSeconds ?? 0 };
}

/** null: this member does not lead (any more). */
async function timeToLiveHere(
  context: Context,
  asker: Asker,
  keeper: LeaseKeeper,
  { ID, keys }: LeaseTimeToLiveRequest__Output,
): Promise<LeaseTimeToLiveResponse | null> {
  await context.replica.readIndex();
  const find = (): Lease | undefined => storeOf(context).leases.get(BigInt(ID));
  const check: Check = keys ? (auth, who) => requireReadOfLease(auth, who, find()) : requireIdentity;
  const lease = await readAs(context, asker, check, find);
  if (!keeper.leads) return null;
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
