import type { LogIndex, Raft, ReadState } from '@raftsman/raft';
import { ReplicaError } from '../contract.js';
import { storeLimits } from '../limits.js';

interface Reader {
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (error: ReplicaError) => void;
}

interface Round {
  readonly readers: readonly Reader[];
  readonly askedAtMs: number;
}

interface Confirmed {
  readonly index: LogIndex;
  readonly readers: readonly Reader[];
}

/**
 * Linearizable reads (thesis §6.4): all that wait share one question to the leader. A reader joins only a round that is asked after it came.
 * A question that is not answered, because a message or the leader was lost, is asked again.
 */
export class Reads {
  readonly #timeoutMs: number;
  #waiting: Reader[] = [];
  readonly #rounds = new Map<number, Round>();
  /** Answered, but this member has not applied so far yet. */
  #confirmed: Confirmed[] = [];
  #lastRound = 0;
  /** Since the start. */
  readonly counts = { refused: 0, repeatedRounds: 0 };
  #size = 0;

  constructor(options: { readonly timeoutMs: number }) {
    this.#timeoutMs = options.timeoutMs;
  }

  /** Rejects with ReplicaError. */
  add(nowMs: number): Promise<void> {
    if (this.#size >= storeLimits.readsMax) return Promise.reject(new ReplicaError('too-many-requests'));
    this.#size += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ deadlineMs: nowMs + this.#timeoutMs, resolve, reject });
    });
  }

  /** Asks for those that wait, unless too many rounds are on their way or there is nobody to ask. */
  ask(raft: Raft, nowMs: number): void {
    if (this.#waiting.length === 0 || this.#rounds.size >= storeLimits.readRoundsMax) return;
    const round = ++this.#lastRound;
    if (raft.readIndex(round) !== null) return;
    this.#rounds.set(round, { readers: this.#waiting, askedAtMs: nowMs });
    this.#waiting = [];
  }

  answered({ requestId, index }: ReadState, applied: number): void {
    const round = this.#rounds.get(requestId);
    if (round === undefined) return;
    this.#rounds.delete(requestId);
    this.#confirmed.push({ index, readers: round.readers });
    this.applied(applied);
  }

  applied(index: number): void {
    if (this.#confirmed.length === 0) return;
    const ready = this.#confirmed.filter((confirmed) => confirmed.index <= index);
    if (ready.length === 0) return;
    this.#confirmed = this.#confirmed.filter((confirmed) => confirmed.index > index);
    for (const { readers } of ready)
      for (const reader of readers) {
        this.#size -= 1;
        reader.resolve();
      }
  }

  /** The leader that was asked is no more. */
  askAgain(): void {
    const readers = [...this.#rounds.values()].flatMap((round) => round.readers);
    this.#rounds.clear();
    if (readers.length > 0) this.#waiting = [...readers, ...this.#waiting];
  }

  expire(nowMs: number): void {
    for (const [id, { readers, askedAtMs }] of this.#rounds) {
      if (nowMs - askedAtMs < storeLimits.readRetryMs) continue;
      this.#rounds.delete(id);
      this.counts.repeatedRounds += 1;
      this.#waiting = [...readers, ...this.#waiting];
    }
    this.#waiting = this.#keepInTime(this.#waiting, nowMs, 'no-leader');
    this.#confirmed = this.#confirmed.map(({ index, readers }) => ({
      index,
      readers: this.#keepInTime(readers, nowMs, 'timeout'),
    }));
  }

  stop(): void {
    this.askAgain();
    const all = [...this.#waiting, ...this.#confirmed.flatMap(({ readers }) => readers)];
    this.#waiting = [];
    this.#confirmed = [];
    this.#size = 0;
    for (const reader of all) reader.reject(new ReplicaError('stopped'));
  }

  #keepInTime(readers: readonly Reader[], nowMs: number, code: 'no-leader' | 'timeout'): Reader[] {
    if (!readers.some(({ deadlineMs }) => deadlineMs <= nowMs)) return readers as Reader[];
    return readers.filter((reader) => {
      if (reader.deadlineMs > nowMs) return true;
      this.#size -= 1;
      this.counts.refused += 1;
      reader.reject(new ReplicaError(code));
      return false;
    });
  }
}
