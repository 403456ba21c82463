import type { Configuration, MemberId } from '@raftsman/raft';
import { MembershipError, type MemberChange } from '../../contract.js';
import { ConfigError } from '../../errors.js';
import { storeLimits } from '../../limits.js';
import { parseUrl } from '../../urls.js';
import { encodeDirectory, memberOf, withMember, type Directory, type DirectoryMember } from './directory.js';

/** What the core is asked for. */
export type Target = Pick<Configuration, 'voters' | 'learners' | 'witnesses' | 'directory'>;

/** What a leader knows when it is asked for a change. */
export interface Situation {
  readonly configuration: Pick<Configuration, 'voters' | 'learners' | 'witnesses'>;
  readonly directory: Directory;
  readonly self: MemberId;
  /** It answered lately. */
  readonly isActive: (id: MemberId) => boolean;
  /** Up to where its log agrees with the leader's. */
  readonly matchOf: (id: MemberId) => number;
  /** Never used before. */
  readonly newId: () => MemberId;
}

export interface Plan {
  readonly target: Target;
  readonly member: DirectoryMember;
}

/**
 * The next configuration, if etcd would go there (its strict reconfiguration check, in its order): a change must leave a majority of voters that
 * were seen and answer. Throws MembershipError.
 */
export function planChange(change: MemberChange, situation: Situation): Plan {
  switch (change.kind) {
    case 'add':
      return planAdd(change, situation);
    case 'remove':
      return planRemove(change.id, situation);
    case 'update':
      return planUpdate(change.id, change.peerUrls, situation);
    case 'promote':
      return planPromote(change.id, situation);
  }
}

function planAdd(change: Extract<MemberChange, { kind: 'add' }>, situation: Situation): Plan {
  const { configuration, directory, isActive, newId } = situation;
  const { voters, learners, witnesses } = configuration;
  const peerUrls = checkedUrls(change.peerUrls);
  if (!change.isLearner) {
    const started = startedOf(voters, directory);
    // The one member of a cluster may always get a second one.
    const isSecond = started === 1 && voters.length === 1;
    if (!isSecond && started < majorityOf(voters.length + 1)) throw new MembershipError('not-enough-started');
  }
  if (!voters.every(isActive)) throw new MembershipError('unhealthy');
  requireUnused(peerUrls, null, directory);
  if (change.isLearner && learners.length >= storeLimits.learnersMax)
    throw new MembershipError('too-many-learners');
  if (directory.members.length >= storeLimits.membersMax) throw new MembershipError('too-many-members');
  const member: DirectoryMember = {
    id: newId(),
    name: '',
    peerUrls,
    clientUrls: [],
    isWitness: change.isWitness,
  };
  const grown = { ...directory, members: [...directory.members, member], leaving: [] };
  const target = {
    voters: change.isLearner ? voters : [...voters, member.id],
    learners: change.isLearner ? [...learners, member.id] : learners,
    witnesses: change.isWitness ? [...witnesses, member.id] : witnesses,
    directory: encodeDirectory(grown),
  };
  return { target, member };
}

function planRemove(id: MemberId, { configuration, directory, self, isActive }: Situation): Plan {
  const { voters, learners, witnesses } = configuration;
  const without = (ids: readonly MemberId[]): MemberId[] => ids.filter((each) => each !== id);
  if (!learners.includes(id)) {
    const rest = without(voters);
    if (startedOf(rest, directory) < majorityOf(rest.length)) throw new MembershipError('not-enough-started');
    const active = voters.filter(isActive).length;
    // One that is down does not count among those that are lost by removing it.
    const isDown = id !== self && !isActive(id);
    if (!isDown && active - 1 < majorityOf(voters.length - 1)) throw new MembershipError('unhealthy');
  }
  const member = directory.members.find((each) => each.id === id);
  if (member === undefined) throw new MembershipError('not-found');
  if (without(voters).every((voter) => witnesses.includes(voter)))
    throw new MembershipError('not-enough-started');
  const shrunk: Directory = {
    members: directory.members.filter((each) => each.id !== id),
    leaving: [member],
    removed: [...directory.removed, id],
  };
  const target = {
    voters: without(voters),
    learners: without(learners),
    witnesses: without(witnesses),
    directory: encodeDirectory(shrunk),
  };
  return { target, member };
}

function planUpdate(id: MemberId, wanted: readonly string[], { configuration, directory }: Situation): Plan {
  const peerUrls = checkedUrls(wanted);
  const member = directory.members.find((each) => each.id === id);
  if (member === undefined) throw new MembershipError('not-found');
  requireUnused(peerUrls, id, directory);
  const moved = withMember({ ...directory, leaving: [] }, id, { peerUrls });
  return {
    target: { ...setsOf(configuration), directory: encodeDirectory(moved) },
    member: { ...member, peerUrls },
  };
}

function planPromote(id: MemberId, { configuration, directory, self, matchOf }: Situation): Plan {
  const { voters, learners, witnesses } = configuration;
  const member = directory.members.find((each) => each.id === id);
  if (member === undefined) throw new MembershipError('not-found');
  if (matchOf(id) < matchOf(self) * (1 - storeLimits.learnerBehindShareMax))
    throw new MembershipError('learner-not-ready');
  if (startedOf(voters, directory) + 1 < majorityOf(voters.length + 1))
    throw new MembershipError('not-enough-started');
  if (!learners.includes(id)) throw new MembershipError('not-learner');
  const target = {
    voters: [...voters, id],
    learners: learners.filter((each) => each !== id),
    witnesses,
    directory: encodeDirectory({ ...directory, leaving: [] }),
  };
  return { target, member };
}

const setsOf = ({ voters, learners, witnesses }: Situation['configuration']) => ({
  voters,
  learners,
  witnesses,
});

const majorityOf = (count: number): number => Math.floor(count / 2) + 1;

const startedOf = (voters: readonly MemberId[], directory: Directory): number =>
  voters.filter((id) => (memberOf(directory, id)?.name ?? '') !== '').length;

/** Sorted, as etcd keeps them. */
function checkedUrls(peerUrls: readonly string[]): readonly string[] {
  const { memberUrlsMax, memberUrlLengthMax } = storeLimits;
  const fits = peerUrls.length > 0 && peerUrls.length <= memberUrlsMax;
  if (!fits || peerUrls.some(({ length }) => length > memberUrlLengthMax))
    throw new MembershipError('bad-urls');
  try {
    const texts = peerUrls.map((url) => parseUrl('a peer URL', url).text);
    return [...new Set(texts)].toSorted();
  } catch (error) {
    if (error instanceof ConfigError) throw new MembershipError('bad-urls');
    throw error;
  }
}

function requireUnused(peerUrls: readonly string[], but: MemberId | null, { members }: Directory): void {
  const used = new Set(members.filter(({ id }) => id !== but).flatMap((member) => member.peerUrls));
  if (peerUrls.some((url) => used.has(url))) throw new MembershipError('peer-url-exists');
}
