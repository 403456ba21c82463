import {
  encodeConfiguration,
  isJoint,
  isWellFormedConfiguration,
  isWitness,
  sameMembers,
} from './configuration.js';
import { learnerReadyShare } from './limits.js';
import { appendOwn, leaderRefusal } from './proposals.js';
import { isVoter } from './quorum.js';
import type { RaftState } from './state.js';
import type { Configuration, MemberId, ProposedConfiguration, Refusal } from './types.js';

/** Membership changes (chapter 4), through the joint configuration of §4.3. All of it runs on the leader. */

/** A change is done when its last configuration is committed. */
export const isChanging = ({ configuration, configurations, log }: RaftState): boolean =>
  isJoint(configuration) || configurations.currentIndex > log.commit;

export function proposeConfiguration(state: RaftState, proposed: ProposedConfiguration): Refusal | null {
  if (state.role !== 'leader') return state.isWitness ? 'witness' : 'no-leader';
  const next = followingConfiguration(state, proposed);
  if (typeof next === 'string') return next;
  const proposals = [{ type: 'configuration', data: encodeConfiguration(next) }] as const;
  const refusal = leaderRefusal(state, proposals);
  if (refusal === null) appendOwn(state, proposals);
  return refusal;
}

/** The first entry of the change. */
function followingConfiguration(state: RaftState, proposed: ProposedConfiguration): Configuration | Refusal {
  const { configuration, configurations, log, rules } = state;
  // Who leads must know what is committed before it changes who commits (the flaw that was found in single-server changes).
  if (!rules.knowsCommit(log.termAt(log.commit), state.term)) return 'leader-not-ready';
  const { voters, learners, witnesses, directory } = proposed;
  const target: Configuration = { voters, outgoing: [], learners, witnesses, directory };
  if (voters.length === 0 || !isWellFormedConfiguration(target)) return 'unfitting-configuration';
  const takesBack = isJoint(configuration) && sameMembers(voters, configuration.outgoing);
  const present = takesBack ? { ...configuration, voters: configuration.outgoing } : configuration;
  if (isChanging(state) && !(takesBack && configurations.currentIndex <= log.commit)) {
    return 'configuration-in-progress';
  }
  if (!fits(present, target)) return 'unfitting-configuration';
  // Both sides of a joint configuration have agreed to it: either may be what follows.
  if (sameMembers(voters, present.voters)) return target;
  if (!newVotersAreReady(state, target)) return 'learner-not-ready';
  const joint = {
    ...target,
    outgoing: configuration.voters,
    witnesses: [...new Set([...witnesses, ...configuration.witnesses])],
  };
  return isWellFormedConfiguration(joint) ? joint : 'unfitting-configuration';
}

/** Nobody stops voting and stays, and nobody starts or stops keeping data: that is another member. */
function fits(present: Configuration, target: Configuration): boolean {
  const becomesLearner = target.learners.some((member) => present.voters.includes(member));
  const learnerBecomesWitness = target.witnesses.some((member) => present.learners.includes(member));
  const stays = target.voters.filter((member) => present.voters.includes(member));
  const changesKind = stays.some((member) => isWitness(present, member) !== isWitness(target, member));
  return !becomesLearner && !learnerBecomesWitness && !changesKind;
}

/**
 * A learner must hold nine tenths of the log, as in etcd. Who was no learner may hold nothing: that is allowed, and costs availability
 * until it has caught up; but not beside witnesses, who forget what all voters that keep data hold.
 */
function newVotersAreReady(state: RaftState, target: Configuration): boolean {
  const { configuration, progress, id } = state;
  const ownMatch = progress.get(id)?.match ?? 0;
  const hasWitnesses = configuration.witnesses.length > 0 || target.witnesses.length > 0;
  return target.voters
    .filter((member) => !configuration.voters.includes(member) && !isWitness(target, member))
    .every((member) => {
      if (!configuration.learners.includes(member)) return !hasWitnesses;
      return (progress.get(member)?.match ?? 0) >= ownMatch * learnerReadyShare;
    });
}

/** The leader's commit index moved, or a new voter holds more: perhaps a joint configuration can be left. */
export function leaveJointIfDue(state: RaftState): void {
  const { configuration, configurations, log, rules } = state;
  if (state.role !== 'leader' || state.isWitness || !isJoint(configuration)) return;
  // Before that it may not know all that is committed.
  if (!rules.knowsCommit(log.termAt(log.commit), state.term)) return;
  const held = heldByNewVoters(state, configuration);
  if (rules.leavesJoint(configurations.currentIndex, log.commit, held)) leaveJoint(state, configuration);
}

/** §4.3: C_new. */
function leaveJoint(state: RaftState, { voters, learners, witnesses, directory }: Configuration): void {
  const left: Configuration = {
    voters,
    outgoing: [],
    learners,
    witnesses: witnesses.filter((member) => voters.includes(member)),
    directory,
  };
  appendOwn(state, [{ type: 'configuration', data: encodeConfiguration(left) }]);
}

/**
 * Beside witnesses C_new waits until its new members hold the joint entry, and with it all that a witness may have forgotten: else one of
 * them and a witness could be a majority that knows less than was committed. Without witnesses there is nothing to wait for.
 */
function heldByNewVoters({ progress }: RaftState, configuration: Configuration): number {
  const { voters, outgoing, witnesses } = configuration;
  if (witnesses.length === 0) return Infinity;
  const added = voters.filter((member) => !outgoing.includes(member) && !isWitness(configuration, member));
  return Math.min(Infinity, ...added.map((member) => progress.get(member)?.match ?? 0));
}

/**
 * §4.2.2: a leader that is not a member any more leads until that is committed, and the others have been told (ready.ts). Whoever holds
 * the whole log need not wait for its timeout.
 */
export function resignIfRemoved(state: RaftState): void {
  const { log, configuration, configurations, progress } = state;
  if (state.role !== 'leader' || isVoter(configuration, state.id)) return;
  if (configurations.currentIndex > log.commit || isJoint(configuration)) return;
  const successor = configuration.voters
    .filter((member) => !isWitness(configuration, member))
    .find((member) => progress.get(member)?.match === log.lastIndex);
  if (successor !== undefined) state.send({ kind: 'timeout-now', to: successor });
  state.becomeFollower(state.term, null);
}

/** Somebody who can lead, and is not about to leave. */
export const maySucceed = ({ configuration, id }: RaftState, member: MemberId): boolean =>
  member !== id && configuration.voters.includes(member) && !isWitness(configuration, member);
