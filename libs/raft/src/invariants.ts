import { assert } from './assert.js';
import { pendingReadsMax, unreachableTicksMax, witnessDelayTicks } from './limits.js';
import { reachedByMajority } from './quorum.js';
import type { RaftState } from './state.js';

/** The invariants that the types name, checked. Cost: a member's peers and its log's undurable tail. */
export function checkState(state: RaftState): void {
  state.log.check();
  checkRole(state);
  checkHardState(state);
  assert(
    state.reads.size >= 0 && state.reads.size <= pendingReadsMax,
    () => `${state.reads.size} reads wait`,
  );
  assert(state.uncommittedBytes >= 0, () => `${state.uncommittedBytes} bytes uncommitted`);
  const { electionTicks } = state.config;
  const timeoutMax = 2 * electionTicks + unreachableTicksMax + witnessDelayTicks(electionTicks);
  assert(state.electionTimeoutTicks <= timeoutMax, () => `election timeout ${state.electionTimeoutTicks}`);
  if (state.role === 'leader') checkLeader(state);
}

function checkRole(state: RaftState): void {
  const { role, leader, id, vote } = state;
  assert((role === 'leader') === (leader === id), () => `${role} follows ${leader}`);
  if (role === 'candidate' || role === 'pre-candidate')
    assert(leader === null, () => `${role} follows ${leader}`);
  if (role === 'candidate' || role === 'leader') assert(vote === id, () => `${role} voted for ${vote}`);
  assert(
    (role === 'leader') === state.progress.size > 0,
    () => `${role} has ${state.progress.size} progresses`,
  );
}

function checkHardState(state: RaftState): void {
  const { durable, handedOut } = state;
  assert(durable.term <= handedOut.term && handedOut.term <= state.term, 'the term went back');
  assert(durable.commit <= state.log.commit, 'the commit index went back');
  const kept = durable.term < state.term || durable.vote === null || durable.vote === state.vote;
  assert(kept, () => `vote for ${durable.vote} became one for ${state.vote} within term ${state.term}`);
}

function checkLeader(state: RaftState): void {
  const { log, progress, durable } = state;
  assert(durable.term === state.term && durable.vote === state.id, 'leads by a vote that is not durable');
  assert(log.pendingSnapshot === null, 'a leader restores a snapshot');
  for (const each of progress.values()) each.check(log.lastIndex, state.config.inflightAppendsMax);
  const own = progress.get(state.id)?.match ?? 0;
  assert(own <= log.durableIndex, () => `counts itself up to ${own}, durable up to ${log.durableIndex}`);
  // A configuration of this term may count others than those that committed what came before it.
  if (state.configurations.currentIndex > state.wonAtIndex) return;
  const reached = reachedByMajority(state.configuration, (member) => progress.get(member)?.match ?? 0);
  const committedHere = log.commit > state.wonAtIndex;
  assert(!committedHere || log.commit <= reached, () => `commit ${log.commit}, a majority holds ${reached}`);
}
