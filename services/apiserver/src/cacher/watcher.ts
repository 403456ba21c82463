import type { CacheEvent, Matcher, WatchEvent } from './watch-event.js';

/** Why a watch is over. `slow`: it lagged behind further than its queue holds. */
export type WatchEnd = 'closed' | 'slow' | 'timeout' | 'shutdown';

type State =
  | { readonly kind: 'open' }
  /** Somebody awaits the next batch. */
  | { readonly kind: 'waiting'; readonly give: (batch: readonly WatchEvent[] | null) => void }
  | { readonly kind: 'ended'; readonly why: WatchEnd };

/**
 * One watch: pulls its initial events lazily, then what `offer` brings. Whoever reads it sets the pace; the queue is
 * bounded, and one that overflows ends the watch, so that a slow reader costs nobody else anything.
 */
export class Watcher {
  readonly #prefix: string;
  readonly #matches: Matcher;
  readonly #initial: Iterator<WatchEvent>;
  readonly #queueMax: number;
  readonly #batchMax: number;
  readonly #onEnd: (watcher: Watcher) => void;
  #initialDone = false;
  #queue: WatchEvent[] = [];
  #state: State = { kind: 'open' };
  /** The newest revision that this watcher has been offered: what a bookmark may name. */
  #seenRevision: number;
  #bookmarkedRevision: number;

  constructor(options: {
    /** Keys that start otherwise are not offered on. */
    readonly prefix: string;
    readonly matches: Matcher;
    /** Read before the queue. */
    readonly initial: Iterable<WatchEvent>;
    /** Events at or below this revision are covered by `initial`. */
    readonly revision: number;
    readonly queueMax: number;
    readonly batchMax: number;
    readonly onEnd: (watcher: Watcher) => void;
  }) {
    this.#prefix = options.prefix;
    this.#matches = options.matches;
    this.#initial = options.initial[Symbol.iterator]();
    this.#seenRevision = options.revision;
    this.#bookmarkedRevision = options.revision;
    this.#queueMax = options.queueMax;
    this.#batchMax = options.batchMax;
    this.#onEnd = options.onEnd;
  }

  get ended(): WatchEnd | null {
    return this.#state.kind === 'ended' ? this.#state.why : null;
  }

  /** Events must come in order; those that `initial` covers are dropped. */
  offer(event: CacheEvent): void {
    if (event.revision <= this.#seenRevision || !event.key.startsWith(this.#prefix)) return;
    const seen = event.seenBy(this.#matches);
    if (seen !== null) this.#push(seen);
  }

  /** To be called after all events of a revision were offered. */
  reached(revision: number): void {
    this.#seenRevision = Math.max(this.#seenRevision, revision);
  }

  /** Offers a bookmark if the revision moved since the last one and nothing waits before it. */
  bookmark(make: (revision: number) => WatchEvent): void {
    if (this.#seenRevision === this.#bookmarkedRevision || this.#queue.length > 0) return;
    this.#bookmarkedRevision = this.#seenRevision;
    this.#push(make(this.#seenRevision));
  }

  /** The next events, or null once the watch is over and all before its end was read. One reader at a time. */
  next(): Promise<readonly WatchEvent[] | null> {
    const batch = this.#takeBatch();
    if (batch.length > 0) return Promise.resolve(batch);
    if (this.#state.kind === 'ended') return Promise.resolve(null);
    return new Promise((give) => {
      this.#state = { kind: 'waiting', give };
    });
  }

  end(why: WatchEnd): void {
    const before = this.#state;
    if (before.kind === 'ended') return;
    this.#state = { kind: 'ended', why };
    if (why !== 'timeout') {
      this.#queue = [];
      this.#initialDone = true;
    }
    this.#onEnd(this);
    if (before.kind === 'waiting') before.give(null);
  }

  #push(event: WatchEvent): void {
    const { kind } = this.#state;
    if (kind === 'ended') return;
    if (this.#state.kind === 'waiting') {
      const { give } = this.#state;
      this.#state = { kind: 'open' };
      return give([event]);
    }
    if (this.#queue.length >= this.#queueMax) return this.end('slow');
    this.#queue.push(event);
  }

  #takeBatch(): readonly WatchEvent[] {
    const batch: WatchEvent[] = [];
    while (!this.#initialDone && batch.length < this.#batchMax) {
      const next = this.#initial.next();
      if (next.done === true) this.#initialDone = true;
      else batch.push(next.value);
    }
    if (batch.length > 0) return batch;
    return this.#queue.splice(0, this.#batchMax);
  }
}
