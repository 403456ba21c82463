import { assert } from './assert.js';
import { entrySizeBytes } from './log.js';
import { logIndex, term } from './types.js';
import type { Configuration, Entry, LogIndex, LogReader, SnapshotMeta, Term } from './types.js';

/**
 * The part of a log that no snapshot covers, in memory.
 *
 * 1. entries[i].index === compactedIndex + 1 + i.
 * 2. compactedIndex <= snapshotMeta().index <= lastIndex: a member that needs a compacted entry can be given the state instead.
 */
export class MemoryLog implements LogReader {
  compactedIndex: LogIndex;
  compactedTerm: Term;
  #snapshot: SnapshotMeta;
  #entries: Entry[] = [];

  constructor(snapshot: SnapshotMeta, entries: readonly Entry[] = []) {
    this.#snapshot = snapshot;
    this.compactedIndex = snapshot.index;
    this.compactedTerm = snapshot.term;
    this.append(entries);
  }

  /** The log of a new cluster: empty, with this configuration. */
  static empty(configuration: Configuration): MemoryLog {
    return new MemoryLog({ index: logIndex(0), term: term(0), configuration });
  }

  get lastIndex(): LogIndex {
    return logIndex(this.compactedIndex + this.#entries.length);
  }

  get length(): number {
    return this.#entries.length;
  }

  termAt(index: LogIndex): Term | undefined {
    if (index === this.compactedIndex) return this.compactedTerm;
    return this.#entries[index - this.compactedIndex - 1]?.term;
  }

  slice(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] {
    const start = from - this.compactedIndex - 1;
    assert(start >= 0, () => `entry ${from} is compacted up to ${this.compactedIndex}`);
    const limit = Math.min(to - this.compactedIndex - 1, this.#entries.length);
    let end = start;
    let sizeBytes = 0;
    while (end < limit) {
      const entry = this.#entries[end];
      sizeBytes += entry === undefined ? 0 : entrySizeBytes(entry);
      if (end > start && sizeBytes > maxBytes) break;
      end += 1;
    }
    return this.#entries.slice(start, end);
  }

  snapshotMeta(): SnapshotMeta {
    return this.#snapshot;
  }

  /** Contiguous entries; a tail that they overwrite is dropped first. */
  append(entries: readonly Entry[]): void {
    const first = entries[0]?.index;
    if (first === undefined) return;
    assert(
      first > this.compactedIndex && first <= this.lastIndex + 1,
      () => `entry ${first} does not fit a log of ${this.compactedIndex}..${this.lastIndex}`,
    );
    this.truncate(first);
    for (const entry of entries) {
      assert(entry.index === this.lastIndex + 1, () => `entry ${entry.index} after ${this.lastIndex}`);
      this.#entries.push(entry);
    }
  }

  /** Drops the entries from `from` on. */
  truncate(from: LogIndex): void {
    this.#entries.length = Math.min(this.#entries.length, Math.max(0, from - this.compactedIndex - 1));
  }

  /** The state up to meta.index is durable and can be sent. Keeps the entries: see `compact`. */
  snapshotTaken(meta: SnapshotMeta): void {
    assert(
      meta.index >= this.#snapshot.index && meta.index <= this.lastIndex,
      () =>
        `snapshot at ${meta.index}, the one before at ${this.#snapshot.index}, log up to ${this.lastIndex}`,
    );
    this.#snapshot = meta;
  }

  /** Drops the entries up to `index`, which a snapshot covers. */
  compact(index: LogIndex): void {
    if (index <= this.compactedIndex) return;
    assert(
      index <= this.#snapshot.index,
      () => `compaction to ${index}, snapshot at ${this.#snapshot.index}`,
    );
    const compactedTerm = this.termAt(index);
    assert(compactedTerm !== undefined, () => `compaction to ${index}, log up to ${this.lastIndex}`);
    this.#entries.splice(0, index - this.compactedIndex);
    this.compactedIndex = index;
    this.compactedTerm = compactedTerm;
  }

  /** A snapshot from the leader takes the place of the whole log. */
  restore(meta: SnapshotMeta): void {
    this.#snapshot = meta;
    this.#entries = [];
    this.compactedIndex = meta.index;
    this.compactedTerm = meta.term;
  }
}
