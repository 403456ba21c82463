import { assert } from './assert.js';
import { entryOverheadBytes } from './limits.js';
import { logIndex, term } from './types.js';
import type { Entry, LogIndex, LogReader, SnapshotMeta, Term } from './types.js';

export const entrySizeBytes = (entry: { readonly data: Uint8Array }): number =>
  entry.data.length + entryOverheadBytes;

/**
 * The whole log as the core sees it: what the host made durable, then the tail that is on its way there.
 *
 * 1. The tail begins at `durableIndex + 1` and is contiguous. It hides whatever the reader still holds from there on.
 * 2. Entries before `#handedOut` are in the outstanding Ready or durable.
 * 3. applied <= commit <= lastIndex; compactedIndex <= commit.
 * 4. With a pending snapshot nothing of the reader counts: the log begins after the snapshot.
 */
export class RaftLog {
  commit: number;
  applied: number;
  readonly #reader: LogReader;
  #tail: Entry[] = [];
  #tailStart: number;
  #handedOut: number;
  #snapshot: SnapshotMeta | null = null;

  constructor(reader: LogReader, commit: number, applied: number) {
    this.#reader = reader;
    this.commit = commit;
    this.applied = applied;
    this.#tailStart = reader.lastIndex + 1;
    this.#handedOut = this.#tailStart;
  }

  get lastIndex(): LogIndex {
    return logIndex(this.#tailStart + this.#tail.length - 1);
  }

  get lastTerm(): Term {
    return this.termAt(this.lastIndex) ?? term(0);
  }

  /** The last entry of this log that is durable here. */
  get durableIndex(): LogIndex {
    return logIndex(this.#tailStart - 1);
  }

  get compactedIndex(): LogIndex {
    return this.#snapshot?.index ?? this.#reader.compactedIndex;
  }

  get pendingSnapshot(): SnapshotMeta | null {
    return this.#snapshot;
  }

  snapshotMeta(): SnapshotMeta {
    return this.#snapshot ?? this.#reader.snapshotMeta();
  }

  /** undefined: compacted away, or beyond the end. */
  termAt(index: number): Term | undefined {
    if (index >= this.#tailStart) return this.#tail[index - this.#tailStart]?.term;
    if (this.#snapshot !== null) return index === this.#snapshot.index ? this.#snapshot.term : undefined;
    if (index === this.#reader.compactedIndex) return this.#reader.compactedTerm;
    return this.#reader.termAt(logIndex(index));
  }

  /** The last index up to `from` whose term is not above `termMax`: where two logs may still agree (§3.5). */
  lastIndexWithin(from: number, termMax: number): LogIndex {
    let index = Math.min(from, this.lastIndex);
    for (; index > this.compactedIndex; index -= 1) {
      const termHere = this.termAt(index);
      if (termHere === undefined || termHere <= termMax) break;
    }
    return logIndex(index);
  }

  /** Entries from..to (to excluded), cut after about `bytesMax`, never empty when there is one. */
  slice(from: number, to: number, bytesMax: number): readonly Entry[] {
    const durableTo = Math.min(to, this.#tailStart);
    if (from >= durableTo) return this.#sliceTail(from, to, bytesMax);
    const durable = this.#reader.slice(logIndex(from), logIndex(durableTo), bytesMax);
    if (from + durable.length < durableTo || to <= durableTo) return durable;
    let left = bytesMax;
    for (const entry of durable) left -= entrySizeBytes(entry);
    const first = this.#tail[0];
    if (first === undefined || entrySizeBytes(first) > left) return durable;
    return durable.concat(this.#sliceTail(this.#tailStart, to, left));
  }

  #sliceTail(from: number, to: number, bytesMax: number): readonly Entry[] {
    const start = from - this.#tailStart;
    const limit = Math.min(to - this.#tailStart, this.#tail.length);
    let end = start;
    let sizeBytes = 0;
    while (end < limit) {
      const entry = this.#tail[end];
      sizeBytes += entry === undefined ? 0 : entrySizeBytes(entry);
      if (end > start && sizeBytes > bytesMax) break;
      end += 1;
    }
    return this.#tail.slice(start, end);
  }

  /** Puts contiguous entries after entries[0].index - 1; what stood there is dropped. Committed entries never are. */
  append(entries: readonly Entry[]): void {
    const first = entries[0]?.index;
    if (first === undefined) return;
    assert(
      first > this.commit && first <= this.lastIndex + 1,
      () => `append at ${first}, commit ${this.commit}`,
    );
    if (first < this.#tailStart) {
      this.#tailStart = first;
      this.#tail = [];
    } else {
      this.#tail.length = first - this.#tailStart;
    }
    for (const entry of entries) this.#tail.push(entry);
    this.#handedOut = Math.min(this.#handedOut, first);
  }

  /** Answers whether the commit index moved. It never moves back or beyond the log. */
  commitTo(index: number): boolean {
    const target = Math.min(index, this.lastIndex);
    if (target <= this.commit) return false;
    this.commit = target;
    return true;
  }

  /** Replaces the whole log by a snapshot. */
  restore(snapshot: SnapshotMeta): void {
    this.#snapshot = snapshot;
    this.#tail = [];
    this.#tailStart = snapshot.index + 1;
    this.#handedOut = this.#tailStart;
    this.commit = snapshot.index;
  }

  hasUnhanded(): boolean {
    return this.#handedOut <= this.lastIndex || this.#snapshot !== null;
  }

  hasCommittedToApply(): boolean {
    return this.#snapshot === null && this.applied < this.commit;
  }

  /** What the next Ready makes durable. */
  takeUnhanded(): readonly Entry[] {
    const entries = this.#tail.slice(this.#handedOut - this.#tailStart);
    this.#handedOut = this.lastIndex + 1;
    return entries;
  }

  committedToApply(bytesMax: number): readonly Entry[] {
    if (!this.hasCommittedToApply()) return [];
    return this.slice(this.applied + 1, this.commit + 1, bytesMax);
  }

  /** The host has made these durable. Those that were replaced meanwhile do not count. */
  madeDurable(snapshot: SnapshotMeta | null, entries: readonly Entry[]): void {
    if (snapshot !== null && snapshot === this.#snapshot) {
      this.#snapshot = null;
      this.applied = snapshot.index;
    }
    const last = entries.at(-1);
    if (last === undefined || last.index < this.#tailStart || this.termAt(last.index) !== last.term) return;
    this.#tail.splice(0, last.index - this.#tailStart + 1);
    this.#tailStart = last.index + 1;
    this.#handedOut = Math.max(this.#handedOut, this.#tailStart);
  }

  check(): void {
    assert(this.applied <= this.commit, () => `applied ${this.applied} beyond commit ${this.commit}`);
    assert(this.commit <= this.lastIndex, () => `commit ${this.commit} beyond the end ${this.lastIndex}`);
    assert(
      this.compactedIndex <= this.commit,
      () => `compacted ${this.compactedIndex}, commit ${this.commit}`,
    );
    assert(
      this.#handedOut >= this.#tailStart && this.#handedOut <= this.lastIndex + 1,
      () => `handed out up to ${this.#handedOut}, tail from ${this.#tailStart}`,
    );
    let index = this.#tailStart;
    let termBefore: number = this.termAt(index - 1) ?? 0;
    for (const entry of this.#tail) {
      assert(entry.index === index, () => `entry ${entry.index} where ${index} belongs`);
      assert(entry.term >= termBefore, () => `term falls to ${entry.term} at ${index}`);
      index += 1;
      termBefore = entry.term;
    }
  }
}
