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
