import { assert } from './assert.js';
import { advanceCommit } from './commit.js';
import { isWitness } from './configuration.js';
import { maySucceed } from './membership.js';
import type { Progress } from './progress.js';
import type { RaftState } from './state.js';
import { logIndex, term } from './types.js';
import type { MemberId, Message } from './types.js';
import { handOverFromWitness, heldByAll, learnHeldByAll, witnessStartFor } from './witness.js';

/** Log replication (§3.5, §3.6, §10.2.1): the leader's side first, then the follower's. */

type MessageOf<Kind extends Message['kind']> = Extract<Message, { readonly kind: Kind }>;

/** Sends every member what its progress allows. */
export function replicateToAll(state: RaftState): void {
  for (const [member, progress] of state.progress) {
    if (member === state.id) continue;
    if (isWitness(state.configuration, member)) replicateToWitness(state, member, progress);
    else replicateTo(state, member, progress);
  }
}

/** Nothing while all is well, and nothing that it would forget at once: see witness.ts. */
function replicateToWitness(state: RaftState, member: MemberId, progress: Progress): void {
  if (!state.watch.awake || state.isWitness) return;
  const meta = witnessStartFor(state, progress);
  if (meta === null) {
    replicateTo(state, member, progress);
  } else if (progress.mode.kind !== 'probe' || !progress.mode.sent) {
    state.send({ kind: 'witness-snapshot', to: member, meta });
    progress.startAfter(meta.index);
  }
}

function replicateTo(state: RaftState, member: MemberId, progress: Progress): void {
  if (progress.mode.kind === 'snapshot') return;
  if (progress.mode.kind === 'probe') {
    if (!progress.mode.sent) sendAppend(state, member, progress, true);
    return;
  }
  const { mode } = progress;
  const windowMax = state.config.inflightAppendsMax;
  while (progress.next <= state.log.lastIndex && mode.inflight.length < windowMax) {
    if (!sendAppend(state, member, progress, true)) return;
  }
  const commitIsNews = progress.sentCommit < Math.min(state.log.commit, progress.next - 1);
  if (mode.nudged || commitIsNews) sendAppend(state, member, progress, false);
}

/** false: the entries are compacted away, so a snapshot was asked for instead. */
function sendAppend(state: RaftState, member: MemberId, progress: Progress, withEntries: boolean): boolean {
  const { log } = state;
  const prevLogIndex = logIndex(progress.next - 1);
  const prevLogTerm = log.termAt(prevLogIndex);
  if (prevLogTerm === undefined) {
    sendSnapshot(state, member, progress);
    return false;
  }
  const entries = withEntries ? log.slice(progress.next, log.lastIndex + 1, state.config.appendBytesMax) : [];
  assert(
    !withEntries || entries.length > 0 || progress.next > log.lastIndex,
    () => `the log has no entry ${progress.next}, its last is ${log.lastIndex}`,
  );
  const commit = logIndex(log.commit);
  const held = heldByAll(state);
  state.send({
    kind: 'append-request',
    to: member,
    prevLogIndex,
    prevLogTerm,
    entries,
    commit,
    heldByAll: held,
  });
  progress.sent(prevLogIndex + entries.length, log.commit);
  return true;
}

/** Only to a member that answers and stays: a snapshot is too dear to send into the void. A witness has none to send. */
function sendSnapshot(state: RaftState, member: MemberId, progress: Progress): void {
  if (progress.mode.kind === 'probe') progress.mode.sent = true;
  const answers = progress.heardWithin(state.config.electionTicks, state.nowTick);
  if (!answers || progress.leavesAtTick !== null || state.isWitness) return;
  const meta = state.log.snapshotMeta();
  progress.startSnapshot(meta.index);
  state.send({ kind: 'snapshot-request', to: member, meta });
}

export function handleAppendResponse(state: RaftState, message: MessageOf<'append-response'>): void {
  const progress = state.progress.get(message.from);
  const { log } = state;
  // A member that was removed a while ago.
  if (progress === undefined) return;
  if (message.index > log.lastIndex) {
    state.refusedMessages += 1;
    return;
  }
  progress.heard(state.nowTick);
  if (!message.success) {
    progress.rejected(message.index, log.lastIndexWithin(message.hintIndex, message.hintTerm));
    return;
  }
  const news = progress.accepted(message.index);
  const reconnected = progress.mode.kind === 'snapshot' && progress.match >= log.compactedIndex;
  if (reconnected) progress.startReplicating();
  handOverFromWitness(state, message.from, progress);
  if (!news) return;
  advanceCommit(state);
  handOverIfCaughtUp(state, message.from, progress);
}

/** §3.10: the successor holds the whole log, so it need not wait for its timeout. */
function handOverIfCaughtUp(state: RaftState, member: MemberId, progress: Progress): void {
  if (state.transferee === member && progress.match === state.log.lastIndex) {
    state.handedOver = true;
    state.send({ kind: 'timeout-now', to: member });
  }
}

/** §3.10. Proposals are refused until the successor has won or an election timeout has passed. */
export function transferLeadership(state: RaftState, to: MemberId): void {
  const progress = state.progress.get(to);
  if (state.role !== 'leader' || progress === undefined || state.transferee === to) return;
  if (!maySucceed(state, to)) return;
  state.transferee = to;
  state.electionElapsedTicks = 0;
  handOverIfCaughtUp(state, to, progress);
}

export function reportSnapshot(state: RaftState, peer: MemberId, outcome: 'delivered' | 'failed'): void {
  state.progress.get(peer)?.endSnapshot(outcome === 'delivered');
}

/** §3.5, the receiver's steps 2 to 5 of AppendEntries (figure 3.1). */
export function handleAppendRequest(state: RaftState, message: MessageOf<'append-request'>): void {
  const { log } = state;
  const { from, prevLogIndex, prevLogTerm, entries } = message;
  if (prevLogIndex < log.commit) {
    // Committed entries match every later leader's log (§3.6.3), so there is nothing to compare.
    acknowledge(state, from, log.commit);
    return;
  }
  if (log.termAt(prevLogIndex) !== prevLogTerm) {
    refuseAppend(state, message);
    return;
  }
  const conflict = state.rules.firstConflict(entries, (index) => log.termAt(index));
  if (conflict !== -1) state.append(entries.slice(conflict));
  const lastNew = prevLogIndex + entries.length;
  const commitBefore = log.commit;
  log.commitTo(Math.min(message.commit, lastNew));
  learnHeldByAll(state, message.heldByAll);
  // Told of a commit only, the leader was answered before. If that was lost it asks again, with a commit that is no news.
  const isCommitOnly = entries.length === 0 && log.commit > commitBefore;
  if (!isCommitOnly || lastNew > state.acknowledgedIndex) acknowledge(state, from, lastNew);
}

function acknowledge(state: RaftState, to: MemberId, index: number): void {
  state.acknowledgedIndex = Math.max(state.acknowledgedIndex, index);
  state.send({
    kind: 'append-response',
    to,
    success: true,
    index: logIndex(index),
    hintIndex: logIndex(0),
    hintTerm: term(0),
  });
}

/** §3.5: the hint lets the leader skip all entries of a term that cannot match. */
function refuseAppend(state: RaftState, message: MessageOf<'append-request'>): void {
  const hintIndex = state.log.lastIndexWithin(message.prevLogIndex, message.prevLogTerm);
  const hintTerm = state.log.termAt(hintIndex) ?? term(0);
  const index = message.prevLogIndex;
  state.send({ kind: 'append-response', to: message.from, success: false, index, hintIndex, hintTerm });
}

/** The sender leads an earlier term: our term makes it step down (§3.3). */
export function refuseStaleLeader(state: RaftState, to: MemberId): void {
  const nothing = { index: logIndex(0), hintIndex: logIndex(0), hintTerm: term(0) };
  state.send({ kind: 'append-response', to, success: false, ...nothing });
}

/**
 * A snapshot that the host received whole (§5.4 of the paper, chapter 5 of the thesis). false: this log is not behind it.
 */
export function offerSnapshot(
  state: RaftState,
  message: MessageOf<'snapshot-request'> | MessageOf<'witness-snapshot'>,
): boolean {
  const { log } = state;
  const { meta, from } = message;
  if (meta.index <= log.commit) {
    acknowledge(state, from, log.commit);
    return false;
  }
  if (log.termAt(meta.index) === meta.term) {
    log.commitTo(meta.index);
    acknowledge(state, from, log.commit);
    return false;
  }
  state.restore(meta);
  acknowledge(state, from, meta.index);
  return true;
}

/** Its Ready carries a snapshot that is a mark only: the log begins after it. */
export function handleWitnessSnapshot(state: RaftState, message: MessageOf<'witness-snapshot'>): void {
  if (state.isWitness) offerSnapshot(state, message);
  else state.refusedMessages += 1;
}
