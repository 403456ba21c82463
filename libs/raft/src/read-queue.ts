import { pendingReadsMax } from './limits.js';
import type { MemberId, RaftConfig } from './types.js';

/** Who asked: the member itself, or a follower for its own clients. */
export interface Reader {
  readonly member: MemberId;
  readonly requestId: number;
}

/** Reads that share a round of heartbeats: `index` is the commit index when the round began. */
export interface ReadRound {
  readonly round: number;
  readonly index: number;
  readonly readers: readonly Reader[];
}

interface Forwarded {
  readonly requestIds: readonly number[];
  readonly sentAtTick: number;
}

/**
 * Reads that wait for an index (§6.4). Requests that arrive together share one round of heartbeats (on the leader) or one
 * question to the leader (on a follower).
 *
 * 1. At most pendingReadsMax readers wait.
 * 2. `rounds` have increasing numbers and non-decreasing indexes.
 */
export class ReadQueue {
  /** Arrived, not yet part of a round or question. */
  waiting: Reader[] = [];
  rounds: ReadRound[] = [];
  /** Number of the newest round; counts on over terms. */
  round = 0;
  readonly #forwarded = new Map<number, Forwarded>();
  #size = 0;
  /**
   * Numbers the questions to a leader. Starts at random, so that an answer to a question from before a restart
   * is not taken for the answer to a new one, whose index may be higher.
   */
  #question: number;

  constructor(random: RaftConfig['random']) {
    this.#question = random(1 << 30) * (1 << 20);
  }

  get size(): number {
    return this.#size;
  }

  /** false: too many wait already. */
  add(reader: Reader): boolean {
    if (this.#size >= pendingReadsMax) return false;
    this.#size += 1;
    this.waiting.push(reader);
    return true;
  }

  /** All that have arrived, to be answered now. */
  takeWaiting(): readonly Reader[] {
    const taken = this.waiting;
    this.#size -= taken.length;
    this.waiting = [];
    return taken;
  }

  startRound(index: number): number {
    this.round += 1;
    this.rounds.push({ round: this.round, index, readers: this.waiting });
    this.waiting = [];
    return this.round;
  }

  /** The rounds, oldest first, for which `isConfirmed` holds; it must hold for a prefix. */
  takeConfirmed(isConfirmed: (round: number) => boolean): readonly ReadRound[] {
    let count = 0;
    while (count < this.rounds.length && isConfirmed(this.rounds[count]?.round ?? 0)) count += 1;
    const confirmed = this.rounds.splice(0, count);
    for (const { readers } of confirmed) this.#size -= readers.length;
    return confirmed;
  }

  /** All waiting readers as one question to the leader; the answer names its number. */
  forward(nowTick: number): number {
    this.#question += 1;
    this.#forwarded.set(this.#question, {
      requestIds: this.waiting.map((reader) => reader.requestId),
      sentAtTick: nowTick,
    });
    this.waiting = [];
    return this.#question;
  }

  /** The readers of an answered question; none if it is not known (any more). */
  takeForwarded(question: number): readonly number[] {
    const forwarded = this.#forwarded.get(question);
    if (forwarded === undefined) return [];
    this.#forwarded.delete(question);
    this.#size -= forwarded.requestIds.length;
    return forwarded.requestIds;
  }

  /** Forgets questions asked before `tick`: their answers are lost, their readers ask again. */
  expireForwarded(tick: number): void {
    for (const [question, forwarded] of this.#forwarded) {
      if (forwarded.sentAtTick >= tick) return;
      this.takeForwarded(question);
    }
  }

  clear(): void {
    this.waiting = [];
    this.rounds = [];
    this.#forwarded.clear();
    this.#size = 0;
  }
}
