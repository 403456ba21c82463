import { handleTimeoutNow, handleVoteRequest, handleVoteResponse } from './election.js';
import { handleHeartbeatRequest, handleHeartbeatResponse } from './heartbeat.js';
import { isPromised } from './lease.js';
import { proposeAsLeader } from './proposals.js';
import { handleReadIndexRequest, handleReadIndexResponse } from './read-index.js';
import {
  handleAppendRequest,
  handleAppendResponse,
  handleWitnessSnapshot,
  refuseStaleLeader,
} from './replication.js';
import type { RaftState } from './state.js';
import type { MemberId, Message } from './types.js';
import { isWellFormed } from './validate.js';

/** Messages, by their term first; what each kind does stands in the file of its subject. */

export function step(state: RaftState, message: Message): void {
  if (!isWellFormed(message, state.id)) {
    state.refusedMessages += 1;
  } else if (message.term < state.term) {
    answerEarlierTerm(state, message);
  } else if (message.term === state.term || enterLaterTerm(state, message)) {
    handle(state, message);
  }
}

/** §3.3: a later term is adopted, with three exceptions. Answers whether the message is still to be handled. */
function enterLaterTerm(state: RaftState, message: Message): boolean {
  switch (message.kind) {
    case 'vote-request':
      // §4.2.3: who hears a leader does not let anybody disturb it, unless that leader asked for it (§3.10).
      if (isBoundToLeader(state, message.from) && !message.leadershipTransfer) return false;
      // §9.6: the term of a pre-vote is only a question.
      if (!message.preVote) state.becomeFollower(message.term, null);
      return true;
    case 'vote-response':
      // A granted pre-vote answers in the term that was asked for.
      if (!(message.preVote && message.granted)) state.becomeFollower(message.term, null);
      return true;
    case 'append-request':
    case 'heartbeat-request':
    case 'snapshot-request':
    case 'witness-snapshot':
      state.becomeFollower(message.term, message.from);
      return true;
    case 'append-response':
    case 'heartbeat-response':
    case 'propose-request':
    case 'read-index-request':
    case 'read-index-response':
    case 'timeout-now':
      state.becomeFollower(message.term, null);
      return true;
  }
}

const isBoundToLeader = (state: RaftState, asking: MemberId): boolean =>
  state.hearsLeaderBesides(asking) || isPromised(state);

/** The sender does not know our term yet. Those that would go on forever are told; the rest is void. */
function answerEarlierTerm(state: RaftState, message: Message): void {
  switch (message.kind) {
    case 'append-request':
    case 'heartbeat-request':
    case 'snapshot-request':
    case 'witness-snapshot':
      refuseStaleLeader(state, message.from);
      return;
    case 'vote-request':
      state.send({ kind: 'vote-response', to: message.from, preVote: message.preVote, granted: false });
      return;
    case 'vote-response':
    case 'append-response':
    case 'heartbeat-response':
    case 'propose-request':
    case 'read-index-request':
    case 'read-index-response':
    case 'timeout-now':
      return;
  }
}

function handle(state: RaftState, message: Message): void {
  switch (message.kind) {
    case 'vote-request':
      handleVoteRequest(state, message);
      return;
    case 'vote-response':
      handleVoteResponse(state, message);
      return;
    case 'append-request':
      if (acceptLeader(state, message.from)) handleAppendRequest(state, message);
      return;
    case 'heartbeat-request':
      if (acceptLeader(state, message.from)) handleHeartbeatRequest(state, message);
      return;
    case 'snapshot-request':
      // The snapshot itself comes through offerSnapshot when the host has all of it.
      acceptLeader(state, message.from);
      return;
    case 'witness-snapshot':
      if (acceptLeader(state, message.from)) handleWitnessSnapshot(state, message);
      return;
    case 'read-index-response':
      handleReadIndexResponse(state, message);
      return;
    case 'timeout-now':
      handleTimeoutNow(state, message.from);
      return;
    case 'append-response':
    case 'heartbeat-response':
    case 'propose-request':
    case 'read-index-request':
      if (state.role === 'leader') handleAsLeader(state, message);
      return;
  }
}

function handleAsLeader(
  state: RaftState,
  message: Extract<
    Message,
    { readonly kind: 'append-response' | 'heartbeat-response' | 'propose-request' | 'read-index-request' }
  >,
): void {
  switch (message.kind) {
    case 'append-response':
      handleAppendResponse(state, message);
      return;
    case 'heartbeat-response':
      handleHeartbeatResponse(state, message);
      return;
    case 'propose-request':
      // A refusal is not told: the follower's client times out, as if the message were lost.
      proposeAsLeader(state, message.entries);
      return;
    case 'read-index-request':
      handleReadIndexRequest(state, message);
      return;
  }
}

/** §3.4: a term has one leader, so a second one is a lie. */
function acceptLeader(state: RaftState, from: MemberId): boolean {
  if (state.leader !== null && state.leader !== from) {
    state.refusedMessages += 1;
    return false;
  }
  state.followLeader(from);
  return true;
}
