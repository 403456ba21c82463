import { leaveJointIfDue } from './membership.js';
import { reachedByMajority } from './quorum.js';
import type { RaftState } from './state.js';

/** What is committed (§3.6.2), and what follows from that. */

/**
 * §3.6.2 and figure 3.7: a majority holding an entry of an earlier term proves nothing, because a later leader may still lack it;
 * an entry of this term on a majority commits all before it.
 */
export function advanceCommit(state: RaftState): void {
  const { log, progress, rules } = state;
  const reached = reachedByMajority(state.counted, (member) => progress.get(member)?.match ?? 0);
  if (reached > log.commit && rules.countsForCommit(log.termAt(reached) ?? 0, state.term)) {
    log.commitTo(reached);
  }
  leaveJointIfDue(state);
}

/** The host made more of the leader's own log durable. */
export function countOwnLog(state: RaftState): void {
  if (state.role !== 'leader') return;
  const { log } = state;
  const own = state.progress.get(state.id);
  if (own === undefined) return;
  own.match = Math.max(own.match, state.rules.ownMatch(log.durableIndex, log.lastIndex));
  own.next = log.lastIndex + 1;
  advanceCommit(state);
}
