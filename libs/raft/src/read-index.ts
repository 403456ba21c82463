import { reachedByMajority } from './quorum.js';
import { holdsLease } from './lease.js';
import { serviceRefusal } from './proposals.js';
import type { Reader } from './read-queue.js';
import type { RaftState } from './state.js';
import { logIndex } from './types.js';
import type { MemberId, Message, Refusal } from './types.js';

/** Linearizable reads without log entries: by a round of heartbeats (§6.4), or a lease. */

type MessageOf<Kind extends Message['kind']> = Extract<Message, { readonly kind: Kind }>;

export function requestRead(state: RaftState, requestId: number): Refusal | null {
  const refusal = serviceRefusal(state);
  if (refusal !== null) return refusal;
  return state.reads.add({ member: state.id, requestId }) ? null : 'too-many-reads';
}

/** With a lease the reads that have arrived are answered at once. */
export function releaseLeasedReads(state: RaftState): void {
  const { reads, log } = state;
  if (reads.waiting.length === 0 || !state.rules.knowsCommit(log.termAt(log.commit), state.term)) return;
  if (!holdsLease(state)) return;
  answerReaders(state, reads.takeWaiting(), log.commit);
}

/** Starts a round for the reads that have arrived. Answers its number; 0: none was started. */
export function startReadRound(state: RaftState): number {
  const { reads, log } = state;
  if (reads.waiting.length === 0) return 0;
  if (!state.rules.knowsCommit(log.termAt(log.commit), state.term)) return 0;
  return reads.startRound(log.commit);
}

/** A member that answered a later round has answered the earlier ones: it still followed this leader. */
export function releaseConfirmedReads(state: RaftState): void {
  const { reads, progress } = state;
  if (reads.rounds.length === 0) return;
  const confirmed = reachedByMajority(state.counted, (member) =>
    member === state.id ? reads.round : (progress.get(member)?.readRound ?? 0),
  );
  for (const round of reads.takeConfirmed((number) => state.rules.readIsConfirmed(number, confirmed))) {
    answerReaders(state, round.readers, round.index);
  }
}

function answerReaders(state: RaftState, readers: readonly Reader[], at: number): void {
  const index = logIndex(at);
  for (const { member, requestId } of readers) {
    if (member === state.id) state.readStates.push({ requestId, index });
    else state.send({ kind: 'read-index-response', to: member, requestId, index });
  }
}

/** On a follower: all reads that have arrived are one question to the leader. */
export function forwardReads(state: RaftState, leader: MemberId): void {
  if (state.reads.waiting.length === 0) return;
  state.send({ kind: 'read-index-request', to: leader, requestId: state.reads.forward(state.nowTick) });
}

/** On the leader. A witness has nothing to read. Too many: the follower's readers time out and ask again. */
export function handleReadIndexRequest(state: RaftState, message: MessageOf<'read-index-request'>): void {
  if (!state.isWitness) state.reads.add({ member: message.from, requestId: message.requestId });
}

export function handleReadIndexResponse(state: RaftState, message: MessageOf<'read-index-response'>): void {
  const { index } = message;
  for (const requestId of state.reads.takeForwarded(message.requestId)) {
    state.readStates.push({ requestId, index });
  }
}
