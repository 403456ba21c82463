import { revision, type Revision } from '@raftsman/mvcc';

/** How much history is kept when nobody asks for a compaction; both are more than 0. */
export type AutoCompaction =
  | { readonly mode: 'periodic'; readonly retentionMs: number }
  | { readonly mode: 'revision'; readonly retentionRevisions: number };

/**
 * When to compact and at which revision, as etcd does it (etcdserver/api/v3compactor). Its owner looks every `intervalMs`: `due` if it leads,
 * `record` whether it does or not, so that a new leader knows what was written before its time. Time is an argument: milliseconds of a
 * monotonic clock.
 */
export interface CompactionSchedule {
  readonly intervalMs: number;
  /** Where to compact now; null: nowhere. */
  due(nowMs: number, current: Revision): Revision | null;
  /** That revision is compacted, whoever did it. */
  done(at: Revision, nowMs: number): void;
  /** The store's revision, at the start and after each look. */
  record(current: Revision): void;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export function createCompactionSchedule(wanted: AutoCompaction, nowMs: number): CompactionSchedule {
  return wanted.mode === 'periodic'
    ? new PeriodicSchedule(wanted.retentionMs, nowMs)
    : new RevisionSchedule(wanted.retentionRevisions);
}

/**
 * Keeps what was written in the last `retentionMs`. Compacts every hour, or every retention if that is shorter; the first time after one retention.
 *
 * Example, 1 h: looks every 6 minutes; after an hour it compacts at the revision of the start, after two at the one of minute 54.
 */
class PeriodicSchedule implements CompactionSchedule {
  readonly intervalMs: number;
  readonly #periodMs: number;
  readonly #recordsMax: number;
  /** One for each interval of the retention and one more, the oldest first. */
  readonly #records: Revision[] = [];
  #waitMs: number;
  #doneMs: number;
  #doneAt: Revision | null = null;

  constructor(retentionMs: number, nowMs: number) {
    this.#periodMs = Math.min(retentionMs, hourMs);
    this.intervalMs = this.#periodMs / 10;
    this.#recordsMax = Math.floor(retentionMs / this.intervalMs) + 1;
    this.#waitMs = retentionMs;
    this.#doneMs = nowMs;
  }

  due(nowMs: number): Revision | null {
    const [oldest] = this.#records;
    if (oldest === undefined || oldest === this.#doneAt || nowMs - this.#doneMs < this.#waitMs) return null;
    return oldest;
  }

  done(at: Revision, nowMs: number): void {
    this.#doneAt = at;
    this.#doneMs = nowMs;
    this.#waitMs = this.#periodMs;
  }

  record(current: Revision): void {
    this.#records.push(current);
    if (this.#records.length > this.#recordsMax) this.#records.shift();
  }
}

/** Keeps the last `retention` revisions. */
class RevisionSchedule implements CompactionSchedule {
  readonly intervalMs = 5 * minuteMs;
  readonly #retention: number;
  #doneAt: Revision | null = null;

  constructor(retention: number) {
    this.#retention = retention;
  }

  due(_nowMs: number, current: Revision): Revision | null {
    const at = revision(current - this.#retention);
    return at <= 0 || at === this.#doneAt ? null : at;
  }

  done(at: Revision): void {
    this.#doneAt = at;
  }

  record(): void {}
}
