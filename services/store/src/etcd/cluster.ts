import { setTimeout as sleep } from 'node:timers/promises';
import { memberId } from '@raftsman/raft';
import type { ClusterHandlers } from '@raftsman/proto/gen/etcdserverpb/Cluster.js';
import type { Member as WireMember } from '@raftsman/proto/gen/etcdserverpb/Member.js';
import { ReplicaError, type Member, type MemberChange } from '../contract.js';
import type { Caller } from './access.js';
import { memberHeader, type Context } from './context.js';
import { etcdError, EtcdError, etcdErrors } from './errors.js';
import { isForwarded } from './forwarded.js';
import type { ClusterMethod, LeaderClient } from './leader-client.js';
import { etcdLimits } from './limits.js';
import { unary } from './unary.js';

/** Members are changed by the leader; others pass the request on, as does a leader that is to be removed, to its successor. */
export function createCluster(context: Context, leader: LeaderClient): ClusterHandlers {
  const { replica } = context;
  const members = (): WireMember[] => replica.members().map(toWire);
  const change = async (call: Caller, request: object, method: ClusterMethod, wanted: MemberChange) => {
    const done = await changeOrForward(context, leader, { call, request, method, wanted });
    return { ...done, header: memberHeader(context) };
  };
  return {
    MemberList: unary(context, async (request, call) => {
      if (request.linearizable && replica.standing === 'witness')
        return leader.cluster('MemberList', request, call);
      if (request.linearizable) await replica.readIndex();
      return { header: memberHeader(context), members: members() };
    }),

    MemberAdd: unary(context, (request, call) => {
      const { peerURLs: peerUrls, isLearner } = request;
      return change(call, request, 'MemberAdd', { kind: 'add', peerUrls, isLearner, isWitness: false });
    }),

    MemberRemove: unary(context, (request, call) =>
      change(call, request, 'MemberRemove', { kind: 'remove', id: memberId(Number(request.ID)) }),
    ),

    MemberUpdate: unary(context, (request, call) => {
      const { ID, peerURLs: peerUrls } = request;
      return change(call, request, 'MemberUpdate', { kind: 'update', id: memberId(Number(ID)), peerUrls });
    }),

    MemberPromote: unary(context, (request, call) =>
      change(call, request, 'MemberPromote', { kind: 'promote', id: memberId(Number(request.ID)) }),
    ),
  };
}

interface Wanted {
  readonly call: Caller;
  readonly request: object;
  readonly method: ClusterMethod;
  readonly wanted: MemberChange;
}

/** Tries again while leadership moves: what was not done is said to be so. Rejects with EtcdError, MembershipError or ReplicaError. */
async function changeOrForward(
  context: Context,
  leader: LeaderClient,
  { call, request, method, wanted }: Wanted,
): Promise<object> {
  const deadlineMs = performance.now() + etcdLimits.memberChangeTimeoutMs;
  for (;;) {
    const done =
      context.replica.status().role === 'leader'
        ? await changeHere(context, wanted)
        : await forward(context, leader, { call, request, method, wanted });
    if (done !== null) return done;
    if (isForwarded(call.metadata)) throw etcdError('notLeader');
    if (performance.now() > deadlineMs)
      throw etcdError(context.replica.status().leader === null ? 'noLeader' : 'timeout');
    await sleep(etcdLimits.memberChangeRetryMs);
  }
}

/** null: this member leads no more, and nothing was done. */
async function changeHere({ replica }: Context, wanted: MemberChange): Promise<object | null> {
  try {
    const member = await replica.changeMembers(wanted);
    const members = replica.members().map(toWire);
    return wanted.kind === 'add' ? { member: toWire(member), members } : { members };
  } catch (error) {
    if (error instanceof ReplicaError && error.code === 'not-leader') return null;
    throw error;
  }
}

/** null: there is no leader to be asked, or who was asked leads no more, and nothing was done. */
async function forward(
  context: Context,
  leader: LeaderClient,
  { call, request, method }: Wanted,
): Promise<object | null> {
  if (isForwarded(call.metadata) || context.replica.status().leader === null) return null;
  try {
    return await leader.cluster(method, request, call);
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    const nothingDone = [etcdErrors.notLeader, etcdErrors.noLeader].some(
      ([, details]) => error.details === details,
    );
    if (nothingDone) return null;
    throw error;
  }
}

const toWire = ({ id, name, peerUrls, clientUrls, isLearner }: Member): WireMember => ({
  ID: id,
  name,
  peerURLs: [...peerUrls],
  clientURLs: [...clientUrls],
  isLearner,
});
