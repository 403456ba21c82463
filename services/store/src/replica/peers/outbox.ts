import type { Message } from '@raftsman/raft';
import { storeLimits } from '../../limits.js';
import { messageSizeBytes } from './codec.js';

/** What waits for one peer. Bounded: the oldest appends go first, then the oldest of all; consensus sends again what mattered. */
export class Outbox {
  #messages: Message[] = [];
  #bytes = 0;
  #dropped = 0;

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** How many were dropped since it was asked last. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  /** Answers how many were dropped for it. */
  push(message: Message, countMax: number = storeLimits.peerQueueMessagesMax): number {
    const droppedBefore = this.#dropped;
    this.#messages.push(message);
    this.#bytes += messageSizeBytes(message);
    while (this.#messages.length > countMax || this.#overBytes()) this.#dropOne();
    return this.#dropped - droppedBefore;
  }

  /** For a peer that is not connected: what it would hear late is left out. Answers as `push`. */
  keep(message: Message): number {
    const before = this.#messages.length;
    this.#messages = this.#messages.filter((older) => !isVoidAfter(older, message));
    const left = before - this.#messages.length;
    this.#bytes = this.#messages.reduce((bytes, each) => bytes + messageSizeBytes(each), 0);
    return left + this.push(message, storeLimits.peerOfflineMessagesMax);
  }

  /** One frame's worth, at least one message. */
  takeFrame(): readonly Message[] {
    let bytes = 0;
    let count = 0;
    for (const message of this.#messages) {
      bytes += messageSizeBytes(message);
      if (count > 0 && bytes > storeLimits.frameBytesMax) break;
      count += 1;
    }
    const frame = this.#messages.splice(0, count);
    for (const message of frame) this.#bytes -= messageSizeBytes(message);
    return frame;
  }

  #overBytes(): boolean {
    return this.#bytes > storeLimits.peerQueueBytesMax && this.#messages.length > 1;
  }

  #dropOne(): void {
    const append = this.#messages.findIndex(({ kind }) => kind === 'append-request');
    const [dropped] = this.#messages.splice(Math.max(append, 0), 1);
    if (dropped !== undefined) this.#bytes -= messageSizeBytes(dropped);
    this.#dropped += 1;
  }
}

const isOfLeader = ({ kind }: Message): boolean =>
  kind === 'heartbeat-request' || kind === 'append-request' || kind === 'witness-snapshot';

const hasEntries = (message: Message): boolean =>
  message.kind === 'append-request' && message.entries.length > 0;

/**
 * A peer that hears `older` once it is connected would take this member for a leader or a candidate that it was. Whoever asks for votes leads no more,
 * whoever leads asks for none, and of what only says so the last is enough.
 */
function isVoidAfter(older: Message, newer: Message): boolean {
  if (newer.kind === 'vote-request') return older.kind === 'vote-request' || isOfLeader(older);
  if (!isOfLeader(newer)) return false;
  return older.kind === 'vote-request' || (older.kind === newer.kind && !hasEntries(older));
}
