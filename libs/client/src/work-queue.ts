import { strict as assert } from 'node:assert';
import { systemClock, type Clock } from './clock.js';
import { clientLimits } from './limits.js';

/**
 * client-go's contract (util/workqueue/doc.go):
 * 1. fair: keys come out in the order in which they were added;
 * 2. stingy: a key that is added many times before it is taken comes out once;
 * 3. exclusive: a key is with at most one worker; added meanwhile, it comes again after `done`;
 * 4. after `shutDown` nothing is taken in, and what waits is handed out before `get` answers undefined.
 */
export interface WorkQueue {
  add(key: string): void;
  /** Adds after a delay; of several delays for one key the earliest counts. */
  addAfter(key: string, delayMs: number): void;
  /** Adds after a pause that doubles with every call until `forget`. */
  addRateLimited(key: string): void;
  /** The key succeeded: its next failure waits the shortest pause again. */
  forget(key: string): void;
  requeues(key: string): number;
  /** The next key, or undefined once the queue is shut down and empty. Every key must be given back by `done`. */
  get(): Promise<string | undefined>;
  done(key: string): void;
  /** `drain: false` drops what waits. */
  shutDown(options?: { readonly drain?: boolean }): void;
  /** Keys that wait for a worker. */
  readonly length: number;
}

export interface WorkQueueOptions {
  readonly clock?: Clock;
  readonly backoffBaseMs?: number;
  readonly backoffMaxMs?: number;
}

interface Delayed {
  readonly dueMs: number;
  readonly cancel: () => void;
}

/** The pause before the n-th requeue, n from 0. */
export function requeueDelayMs(failures: number, baseMs: number, maxMs: number): number {
  return Math.min(baseMs * 2 ** Math.min(failures, 60), maxMs);
}

export function createWorkQueue(options: WorkQueueOptions = {}): WorkQueue {
  return new Queue(options);
}

/**
 * Invariants: 1. `waiting` and `dirty` hold the same keys except those in `processing`, which are only in `dirty`;
 * 2. `getters` is empty while `waiting` is not.
 */
class Queue implements WorkQueue {
  readonly #clock: Clock;
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #waiting = new Set<string>();
  readonly #dirty = new Set<string>();
  readonly #processing = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  readonly #getters: ((key: string | undefined) => void)[] = [];
  #down = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#baseMs = options.backoffBaseMs ?? clientLimits.requeueBackoffBaseMs;
    this.#maxMs = options.backoffMaxMs ?? clientLimits.requeueBackoffMaxMs;
  }

  get length(): number {
    return this.#waiting.size;
  }

  add(key: string): void {
    if (this.#down || this.#dirty.has(key)) return;
    assert(
      this.#dirty.size < clientLimits.workQueueKeysMax,
      'work queue: more keys than any cluster has objects',
    );
    this.#dirty.add(key);
    if (!this.#processing.has(key)) this.#offer(key);
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#down) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const earlier = this.#delayed.get(key);
    if (earlier !== undefined) {
      if (earlier.dueMs <= dueMs) return;
      earlier.cancel();
    }
    const cancel = this.#clock.after(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueMs, cancel });
  }

  addRateLimited(key: string): void {
    const failures = this.requeues(key);
    this.#failures.set(key, failures + 1);
    this.addAfter(key, requeueDelayMs(failures, this.#baseMs, this.#maxMs));
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  requeues(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  get(): Promise<string | undefined> {
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      return Promise.resolve(this.#take(key));
    }
    if (this.#down) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#getters.push(resolve));
  }

  done(key: string): void {
    assert(this.#processing.delete(key), 'work queue: done without get');
    if (this.#dirty.has(key)) this.#offer(key);
  }

  shutDown({ drain = true }: { readonly drain?: boolean } = {}): void {
    this.#down = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    if (!drain) {
      this.#waiting.clear();
      this.#dirty.clear();
    }
    for (const getter of this.#getters.splice(0)) getter(undefined);
  }

  #offer(key: string): void {
    const getter = this.#getters.shift();
    if (getter === undefined) this.#waiting.add(key);
    else getter(this.#take(key));
  }

  #take(key: string): string {
    this.#dirty.delete(key);
    this.#processing.add(key);
    return key;
  }
}
