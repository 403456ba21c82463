import { notePromise, promise, stampMs } from './lease.js';
import type { RaftState } from './state.js';
import { logIndex } from './types.js';
import type { Message } from './types.js';
import { releaseConfirmedReads } from './read-index.js';
import { handOverFromWitness, heldByAll, learnHeldByAll } from './witness.js';

/** Heartbeats: they keep the lease (§4.2.3), tell the commit index, find lost appends and confirm reads (§6.4). */

type MessageOf<Kind extends Message['kind']> = Extract<Message, { readonly kind: Kind }>;

/** The newest round of reads goes along, in case that its first heartbeats were lost. */
export function broadcastHeartbeat(state: RaftState): void {
  const readContext = state.reads.rounds.at(-1)?.round ?? 0;
  const held = heldByAll(state);
  const sentAtMs = stampMs(state);
  for (const [member, progress] of state.progress) {
    if (member === state.id) continue;
    // A follower must not commit what may differ in its log: only what it is known to hold.
    const commit = logIndex(Math.min(progress.match, state.log.commit));
    state.send({ kind: 'heartbeat-request', to: member, commit, readContext, heldByAll: held, sentAtMs });
  }
}

export function handleHeartbeatRequest(state: RaftState, message: MessageOf<'heartbeat-request'>): void {
  if (message.commit > state.log.lastIndex) state.refusedMessages += 1;
  else state.log.commitTo(message.commit);
  learnHeldByAll(state, message.heldByAll);
  const { readContext, sentAtMs } = message;
  const promiseMs = promise(state, sentAtMs);
  state.send({ kind: 'heartbeat-response', to: message.from, readContext, sentAtMs, promiseMs });
}

export function handleHeartbeatResponse(state: RaftState, message: MessageOf<'heartbeat-response'>): void {
  const progress = state.progress.get(message.from);
  // A member that was removed a while ago.
  if (progress === undefined) return;
  if (message.readContext > state.reads.round) {
    state.refusedMessages += 1;
    return;
  }
  progress.heard(state.nowTick);
  notePromise(state, progress, message.sentAtMs, message.promiseMs);
  progress.resume(state.log.lastIndex);
  handOverFromWitness(state, message.from, progress);
  if (message.readContext > progress.readRound) {
    progress.readRound = message.readContext;
    releaseConfirmedReads(state);
  }
}
