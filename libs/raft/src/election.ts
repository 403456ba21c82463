import { isPromised } from './lease.js';
import { unreachableTicksMax } from './limits.js';
import { electionOutcome, isMajority } from './quorum.js';
import { isWitness } from './configuration.js';
import { countOwnLog } from './commit.js';
import { appendOwn } from './proposals.js';
import type { RaftState } from './state.js';
import { term } from './types.js';
import { startWatching } from './witness.js';
import type { MemberId, Message } from './types.js';

/** Leader election (§3.4), pre-vote (§9.6), check-quorum (§6.2) and the lease that keeps a live leader (§4.2.3). */

type MessageOf<Kind extends Message['kind']> = Extract<Message, { readonly kind: Kind }>;
type CampaignKind = 'pre-vote' | 'election' | 'transfer';

/** A leader commits nothing before an entry of its own term is (§6.4), so it begins with an empty one. */
const emptyEntry = { type: 'normal', data: new Uint8Array(0) } as const;

/** The election timeout has passed. */
export function startElection(state: RaftState): void {
  campaign(state, state.config.preVote ? 'pre-vote' : 'election');
}

export function campaign(state: RaftState, kind: CampaignKind): void {
  // Each tick asks again.
  if (kind !== 'transfer' && isPromised(state)) return;
  if (!state.mayCampaign || !state.mayElect || state.log.pendingSnapshot !== null) {
    // Only others can run: they must be listened to, and a leader that was silent for so long is none to name (§4.2.3).
    if (kind !== 'transfer') state.loseLeader();
    state.restartElectionTimer();
    return;
  }
  if (kind === 'pre-vote') state.becomePreCandidate();
  else state.becomeCandidate(kind === 'transfer' && !isLedByWitness(state));
  requestVotes(state, kind);
  concludeElection(state);
}

/** It leads only when somebody is missing. */
const isLedByWitness = ({ leader, configuration }: RaftState): boolean =>
  leader !== null && isWitness(configuration, leader);

function requestVotes(state: RaftState, kind: CampaignKind): void {
  const preVote = kind === 'pre-vote';
  const { voters, outgoing } = state.counted;
  for (const voter of new Set([...voters, ...outgoing])) {
    if (voter === state.id) continue;
    state.send({
      kind: 'vote-request',
      to: voter,
      term: preVote ? term(state.term + 1) : state.term,
      preVote,
      lastLogIndex: state.log.lastIndex,
      lastLogTerm: state.log.lastTerm,
      leadershipTransfer: kind === 'transfer',
    });
  }
}

export function concludeElection(state: RaftState): void {
  const outcome = electionOutcome(state.counted, state.votes);
  if (outcome === 'pending') return;
  if (outcome === 'lost') {
    state.becomeFollower(state.term, null);
  } else if (state.role === 'pre-candidate') {
    campaign(state, 'election');
  } else {
    lead(state);
  }
}

function lead(state: RaftState): void {
  const { runsForTransfer } = state;
  state.becomeLeader();
  startWatching(state, runsForTransfer);
  // A witness commits nothing: whoever keeps data does it as soon as it leads.
  if (!state.isWitness) appendOwn(state, [emptyEntry]);
  countOwnLog(state);
}

/** The candidate's vote for itself counts like any other: once it is durable. */
export function countOwnVote(state: RaftState): void {
  if (state.role !== 'candidate' || state.votes.has(state.id)) return;
  if (state.durable.term !== state.term || state.durable.vote !== state.id) return;
  state.votes.set(state.id, true);
  concludeElection(state);
}

/** §3.6.1 and figure 3.1, RequestVote. Whether a leader is heard was looked at before the term (step.ts). */
export function handleVoteRequest(state: RaftState, message: MessageOf<'vote-request'>): void {
  const { from, preVote } = message;
  // Also in its own term, which it may have heard of otherwise.
  if (isPromised(state) && !message.leadershipTransfer) return;
  const candidateLog = { index: message.lastLogIndex, term: message.lastLogTerm };
  const ownLog = { index: state.log.lastIndex, term: state.log.lastTerm };
  const upToDate = state.rules.isUpToDate(candidateLog, ownLog);
  const mayVote =
    preVote && message.term > state.term
      ? !runsFirst(state, message)
      : state.rules.mayVote(state.vote, from, state.leader);
  if (!state.mayElect || !mayVote || !upToDate) {
    state.send({ kind: 'vote-response', to: from, preVote, granted: false });
    if (preVote && message.term > state.term) runInstead(state);
    return;
  }
  // A granted pre-vote answers in the term that is asked for; it binds nobody.
  state.send({ kind: 'vote-response', to: from, preVote, granted: true, term: message.term });
  if (preVote) return;
  state.vote = from;
  state.votedAtTick = state.nowTick;
  state.restartElectionTimer();
}

/**
 * Two equal members that ask at the same moment, as they do when both see their leader's connection break, would win each other's
 * pre-vote and split the vote. The higher id goes first; only for a moment, in case that its own question reaches nobody. Before a witness
 * always goes who can serve.
 */
function runsFirst(state: RaftState, message: MessageOf<'vote-request'>): boolean {
  const asksToo = state.role === 'pre-candidate' && state.electionElapsedTicks <= unreachableTicksMax;
  const equal = message.lastLogIndex === state.log.lastIndex && message.lastLogTerm === state.log.lastTerm;
  if (!equal) return false;
  const isAskedByWitness = isWitness(state.configuration, message.from);
  if (isAskedByWitness !== state.isWitness) return isAskedByWitness;
  return asksToo && state.id > message.from;
}

/**
 * A member that we refuse a pre-vote has lost the leader and should not win. If we have no leader either we are the better
 * candidate, and need not wait for the timeout, even if our own question came too early for the others.
 */
function runInstead(state: RaftState): void {
  const waits = state.role === 'follower' || state.role === 'pre-candidate';
  if (waits && state.leader === null) state.hastenElection(1);
}

export function handleVoteResponse(state: RaftState, message: MessageOf<'vote-response'>): void {
  const awaited = state.role === (message.preVote ? 'pre-candidate' : 'candidate');
  const asked = message.preVote && message.granted ? state.term + 1 : state.term;
  if (!awaited || message.term !== asked || state.votes.has(message.from)) return;
  state.votes.set(message.from, message.granted);
  concludeElection(state);
}

/** §3.10: the leader asks us to take over at once. */
export function handleTimeoutNow(state: RaftState, from: MemberId): void {
  if (state.role === 'follower' && state.leader === from) campaign(state, 'transfer');
}

/**
 * §6.2: a leader that a majority no longer answers makes room, so that its clients ask elsewhere. Who was just added counts as if it had answered:
 * it is to be started, or to connect, and until then no other leader would fare better.
 */
export function checkQuorum(state: RaftState): void {
  const { progress, id, nowTick } = state;
  const { electionTicks } = state.config;
  const isActive = (member: MemberId): boolean => {
    const each = progress.get(member);
    if (member === id || each === undefined) return member === id;
    return each.heardWithin(electionTicks, nowTick) || each.addedWithin(electionTicks, nowTick);
  };
  if (!isMajority(state.counted, isActive)) state.becomeFollower(state.term, null);
}
