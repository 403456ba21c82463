import { EventLog } from './event-log.js';
import { newestOf, versionAt } from './key-history.js';
import { KeyIndex } from './key-index.js';
import type { KeyRange } from './key-range.js';
import { deletionSizeOf, sizeOf } from './sizes.js';
import {
  assert,
  isTombstone,
  MvccError,
  revision,
  type Binary,
  type KeyValue,
  type Revision,
} from './types.js';

/** What a restore puts together. */
export interface RestoredSpace {
  readonly index: KeyIndex;
  readonly log: EventLog;
  readonly revision: Revision;
  readonly compactRevision: Revision;
  readonly sizeBytes: number;
  readonly deletionBytes: number;
}

/** How much of a range is read at a time; a page ends when one of them is reached. */
export interface PageBounds {
  /** Live key-values. */
  readonly kvsMax: number;
  /** Bytes of their keys, and of their values unless only keys are wanted; the last one may have more. */
  readonly bytesMax: number;
  readonly keysOnly: boolean;
  /** Keys that are looked at, live or not. */
  readonly keysMax: number;
}

export interface Page {
  readonly kvs: readonly KeyValue[];
  /** The key to go on from; null: there are no more. */
  readonly next: Binary | null;
}

export interface Selection {
  /** Live key-values in key order, at most `limit`. */
  readonly kvs: readonly KeyValue[];
  /** Live keys in the whole range. */
  readonly count: number;
}

/**
 * Keys and their history.
 *
 * Invariants:
 * 1. every version is in the history of its key; those at or after the log's first are in the log as well,
 * 2. whatever is needed to read at compactRevision or later, or to replay from compactRevision on, is there,
 * 3. revision is the newest modRevision of all, 1 in an empty store,
 * 4. deletionBytes is what the tombstones of all live keys would take: to delete changes nothing of its sum with sizeBytes.
 */
export class KeySpace {
  readonly index: KeyIndex;
  readonly log: EventLog;
  #revision: Revision;
  #compactRevision: Revision;
  #sizeBytes: number;
  #deletionBytes: number;

  /** Empty, or what was restored. */
  constructor(restored?: RestoredSpace) {
    this.index = restored?.index ?? new KeyIndex();
    this.log = restored?.log ?? new EventLog();
    this.#revision = restored?.revision ?? revision(1);
    this.#compactRevision = restored?.compactRevision ?? revision(-1);
    this.#sizeBytes = restored?.sizeBytes ?? 0;
    this.#deletionBytes = restored?.deletionBytes ?? 0;
  }

  get revision(): Revision {
    return this.#revision;
  }

  /** The oldest revision that can be read or watched; -1 before the first compaction. */
  get compactRevision(): Revision {
    return this.#compactRevision;
  }

  /** Estimated memory of all versions. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** By how much that would grow if every key were deleted. */
  get deletionBytes(): number {
    return this.#deletionBytes;
  }

  /** Throws MvccError if `at` is beyond `current` or compacted; answers the revision to read at. */
  readRevision(at: number, current: Revision): Revision {
    if (at > current) throw new MvccError('future-revision');
    if (at <= 0) return current;
    if (at < this.#compactRevision) throw new MvccError('compacted');
    return revision(at);
  }

  /** The live key-value at a readable revision. */
  get(key: Binary, at: Revision): KeyValue | undefined {
    const history = this.index.get(key);
    const kv = history && versionAt(history, at);
    return kv === undefined || isTombstone(kv) ? undefined : kv;
  }

  select(range: KeyRange, at: Revision, limit = Infinity): Selection {
    const kvs: KeyValue[] = [];
    if (range.single) {
      const kv = this.get(range.start, at);
      if (kv === undefined) return { kvs, count: 0 };
      if (limit > 0) kvs.push(kv);
      return { kvs, count: 1 };
    }
    if (at >= this.#revision) return this.#selectNewest(range, limit);
    let count = 0;
    this.index.scan(range.start, range.end, (history) => {
      const kv = versionAt(history, at);
      if (kv !== undefined && !isTombstone(kv)) {
        count += 1;
        if (kvs.length < limit) kvs.push(kv);
      }
      return true;
    });
    return { kvs, count };
  }

  /** The first part of a range at a readable revision. */
  page({ start, end }: KeyRange, at: Revision, bounds: PageBounds): Page {
    const { kvsMax, bytesMax, keysOnly, keysMax } = bounds;
    const kvs: KeyValue[] = [];
    let next: Binary | null = null;
    let bytes = 0;
    let keys = 0;
    this.index.scan(start, end, (history, key) => {
      if (kvs.length >= kvsMax || bytes >= bytesMax || keys >= keysMax) {
        next = key;
        return false;
      }
      keys += 1;
      const kv = versionAt(history, at);
      if (kv === undefined || isTombstone(kv)) return true;
      kvs.push(kv);
      bytes += kv.key.length + (keysOnly ? 0 : kv.value.length);
      return true;
    });
    return { kvs, next };
  }

  /** The key as it was before `kv` was written; null: it was not there, or that is compacted. */
  previous(kv: KeyValue): KeyValue | null {
    const before = revision(kv.modRevision - 1);
    if (before < this.#compactRevision) return null;
    return this.get(kv.key, before) ?? null;
  }

  /** Appends a version that follows all others. */
  insert(kv: KeyValue): void {
    this.index.append(kv);
    this.#inserted(kv);
  }

  /** Appends what `next` answers to the histories in a range, in key order; null: nothing. */
  insertEach(range: KeyRange, next: (newest: KeyValue) => KeyValue | null): void {
    this.index.appendEach(range.start, range.end, (newest) => {
      const kv = next(newest);
      if (kv !== null) this.#inserted(kv);
      return kv;
    });
  }

  /** A version went from its key's history. */
  forgotten(kv: KeyValue): void {
    this.#sizeBytes -= sizeOf(kv);
  }

  compactTo(at: Revision): void {
    assert(at >= this.#compactRevision, 'compaction goes back');
    this.#compactRevision = at;
  }

  /** At present, the index knows how many there are without a look at each. */
  #selectNewest({ start, end }: KeyRange, limit: number): Selection {
    const kvs: KeyValue[] = [];
    if (limit > 0)
      this.index.scan(start, end, (history) => {
        const kv = newestOf(history);
        if (!isTombstone(kv)) kvs.push(kv);
        return kvs.length < limit;
      });
    return { kvs, count: kvs.length < limit ? kvs.length : this.index.countLive(start, end) };
  }

  #inserted(kv: KeyValue): void {
    assert(kv.modRevision >= this.#revision, 'a version older than the store');
    this.log.push(kv);
    this.#revision = kv.modRevision;
    this.#sizeBytes += sizeOf(kv);
    if (isTombstone(kv)) this.#deletionBytes -= deletionSizeOf(kv);
    else if (kv.version === 1) this.#deletionBytes += deletionSizeOf(kv);
  }
}
