import { memberId, type MemberId } from '@raftsman/raft';
import type { ClusterHandlers } from '@raftsman/proto/gen/etcdserverpb/Cluster.js';
import type { Member as WireMember } from '@raftsman/proto/gen/etcdserverpb/Member.js';
import type { MemberListRequest__Output } from '@raftsman/proto/gen/etcdserverpb/MemberListRequest.js';
import { ReplicaError, type Member, type MemberChange } from '../contract.js';
import { memberHeader, type Context } from './context.js';
import { guards } from './guards.js';
import type { LeaderCalls } from './leader-calls.js';
import { unary } from './unary.js';

/** Members are changed by the leader; others pass the request on, as does a leader that is to be removed, to its successor. */
export function createCluster(context: Context, leader: LeaderCalls): ClusterHandlers {
  const { replica } = context;
  const list = leader.method('Cluster/MemberList', async (_: MemberListRequest__Output, asker) => {
    await guards.Cluster.MemberList(context, asker);
    await replica.readIndex();
    return { header: memberHeader(context), members: replica.members().map(toWire) };
  });
  /** The guard looks again where the call was passed on to. */
  const change = <Request extends object>(
    name: ChangeMethod,
    wantedBy: (request: Request) => MemberChange,
  ) => {
    const ask = leader.method(`Cluster/${name}`, async (request: Request, asker) => {
      await guards.Cluster[name](context, asker);
      return changeHere(context, wantedBy(request));
    });
    return unary<Request, ChangeResponse>(context, async (request, call) => {
      const before = replica.members();
      const settle = () => settled(context, wantedBy(request), before);
      return { ...(await ask(request, call, settle)), header: memberHeader(context) };
    });
  };
  return {
    MemberList: unary(context, async (request, call) => {
      if (request.linearizable && replica.standing === 'witness') return list(request, call);
      if (request.linearizable) await replica.readIndex();
      return { header: memberHeader(context), members: replica.members().map(toWire) };
    }),

    MemberAdd: change('MemberAdd', ({ peerURLs: peerUrls, isLearner }) => ({
      kind: 'add',
      peerUrls,
      isLearner,
      isWitness: false,
    })),

    MemberRemove: change('MemberRemove', ({ ID }) => ({ kind: 'remove', id: idOf(ID) })),

    MemberUpdate: change('MemberUpdate', ({ ID, peerURLs: peerUrls }) => ({
      kind: 'update',
      id: idOf(ID),
      peerUrls,
    })),

    MemberPromote: change('MemberPromote', ({ ID }) => ({ kind: 'promote', id: idOf(ID) })),
  };
}

type ChangeMethod = 'MemberAdd' | 'MemberRemove' | 'MemberUpdate' | 'MemberPromote';

interface ChangeResponse {
  readonly header?: Readonly<Record<'clusterId' | 'memberId' | 'raftTerm', number>>;
  readonly member?: WireMember;
  readonly members: WireMember[];
}

const idOf = (id: string): MemberId => memberId(Number(id));

/** null: this member leads no more, and nothing was done. */
async function changeHere(context: Context, wanted: MemberChange): Promise<ChangeResponse | null> {
  try {
    return changed(context, wanted, await context.replica.changeMembers(wanted));
  } catch (error) {
    if (error instanceof ReplicaError && error.code === 'not-leader') return null;
    throw error;
  }
}

/** A leader that was asked and is gone may have done it: then the members are not as they were before. null: they are. */
async function settled(
  context: Context,
  wanted: MemberChange,
  before: readonly Member[],
): Promise<ChangeResponse | null> {
  await context.replica.readIndex();
  const now = context.replica.members();
  const done = doneTo(wanted, before, now);
  return done === undefined ? null : changed(context, wanted, done);
}

/** The member that is different now as it was wanted. */
function doneTo(wanted: MemberChange, before: readonly Member[], now: readonly Member[]): Member | undefined {
  const isIn = (members: readonly Member[], id: MemberId): boolean =>
    members.some((member) => member.id === id);
  switch (wanted.kind) {
    case 'add': {
      const urls = new Set(wanted.peerUrls);
      return now.find(({ id, peerUrls }) => !isIn(before, id) && peerUrls.every((url) => urls.has(url)));
    }
    case 'remove':
      return isIn(now, wanted.id) ? undefined : before.find(({ id }) => id === wanted.id);
    case 'promote':
      return before.some(({ id, isLearner }) => id === wanted.id && isLearner)
        ? now.find(({ id, isLearner }) => id === wanted.id && !isLearner)
        : undefined;
    case 'update':
      // To do it twice is to do it once.
      return undefined;
  }
}

function changed({ replica }: Context, { kind }: MemberChange, member: Member): ChangeResponse {
  const members = replica.members().map(toWire);
  return kind === 'add' ? { member: toWire(member), members } : { members };
}

const toWire = ({ id, name, peerUrls, clientUrls, isLearner }: Member): WireMember => ({
  ID: id,
  name,
  peerURLs: [...peerUrls],
  clientURLs: [...clientUrls],
  isLearner,
});
