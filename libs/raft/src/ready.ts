import { assert } from './assert.js';
import { countOwnVote } from './election.js';
import { broadcastHeartbeat } from './heartbeat.js';
import { entrySizeBytes } from './log.js';
import { forwardReads, releaseConfirmedReads, releaseLeasedReads, startReadRound } from './read-index.js';
import { countOwnLog } from './commit.js';
import { resignIfRemoved } from './membership.js';
import { replicateToAll } from './replication.js';
import type { RaftState } from './state.js';
import { logIndex } from './types.js';
import type { HardState, Message, ReadState, Ready } from './types.js';

/** Effects out, results of effects in: see `Ready` for the order that the host keeps. */

/** Turns what has arrived since the last drain into messages: one append carries many proposals, one round many reads. */
export function settle(state: RaftState): void {
  if (state.role === 'leader') {
    releaseLeasedReads(state);
    if (startReadRound(state) > 0) {
      broadcastHeartbeat(state);
      releaseConfirmedReads(state);
    }
    replicateToAll(state);
    resignIfRemoved(state);
  } else if (state.leader !== null) {
    forwardReads(state, state.leader);
  }
}

export function takeOutbox(state: RaftState): readonly Message[] {
  const messages = state.outbox;
  if (messages.length > 0) state.outbox = [];
  state.forwardedBytes = 0;
  return messages;
}

export function takeReads(state: RaftState): readonly ReadState[] {
  const { readStates } = state;
  if (readStates.length > 0) state.readStates = [];
  return readStates;
}

const sameHardState = (left: HardState, right: HardState): boolean =>
  left.term === right.term && left.vote === right.vote && left.commit === right.commit;

export function hasReady(state: RaftState): boolean {
  const { log } = state;
  return (
    state.outbox.length > 0 ||
    state.afterPersist.length > 0 ||
    state.readStates.length > 0 ||
    log.hasUnhanded() ||
    log.hasCommittedToApply() ||
    !sameHardState(state.hardState, state.handedOut)
  );
}

export function makeReady(state: RaftState): Ready {
  const { log } = state;
  const current = state.hardState;
  const before = state.handedOut;
  const hardState = sameHardState(current, before) ? null : current;
  const snapshot = log.pendingSnapshot;
  const entries = log.takeUnhanded();
  const promised = current.term !== before.term || current.vote !== before.vote;
  const ready: Ready = {
    messages: takeOutbox(state),
    hardState,
    entries,
    snapshot,
    mustSync: entries.length > 0 || snapshot !== null || promised,
    messagesAfterPersist: state.afterPersist,
    committedEntries: log.committedToApply(state.config.committedBytesMax),
    readStates: takeReads(state),
  };
  state.handedOut = current;
  state.afterPersist = [];
  return ready;
}

export function advance(state: RaftState, ready: Ready): void {
  const { log } = state;
  if (ready.hardState !== null) state.durable = ready.hardState;
  log.madeDurable(ready.snapshot, ready.entries);
  const lastApplied = ready.committedEntries.at(-1);
  if (lastApplied !== undefined) {
    assert(lastApplied.index <= log.commit, () => `applied ${lastApplied.index}, commit ${log.commit}`);
    log.applied = logIndex(lastApplied.index);
    state.releaseUncommitted(ready.committedEntries, entrySizeBytes);
  }
  countOwnLog(state);
  countOwnVote(state);
}
