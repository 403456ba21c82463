import { append, countBefore, newestOf, withoutOldest, type KeyHistory } from './key-history.js';
import { mvccLimits } from './limits.js';
import { assert, isTombstone, type Binary, type KeyValue, type Revision } from './types.js';

/** Neighbours in key order. */
export interface IndexChunk {
  readonly keys: Binary[];
  readonly histories: KeyHistory[];
  /** Keys whose newest version is no tombstone. */
  live: number;
}

/**
 * All keys in order, each with its history: a sorted list of sorted chunks. Searches are two binary searches; an insertion moves at most
 * a chunk; live keys are counted by the chunk.
 *
 * Invariants:
 * 1. keys ascend strictly within a chunk and from chunk to chunk,
 * 2. no chunk is empty or longer than indexChunkKeysMax,
 * 3. keys and histories of a chunk have the same length, and `live` is right,
 * 4. unless it is null, #sought is where the last search ended: at its key, or where that belongs.
 */
export class KeyIndex {
  readonly #chunks: IndexChunk[];
  #size: number;
  #sought: Binary | null = null;
  #position = 0;
  #offset = 0;
  #found = false;

  /** `chunks` must keep the invariants. */
  constructor(chunks: IndexChunk[] = []) {
    this.#chunks = chunks;
    this.#size = chunks.reduce((sum, { keys }) => sum + keys.length, 0);
  }

  /** Keys, those that are deleted and not compacted yet too. */
  get size(): number {
    return this.#size;
  }

  get(key: Binary): KeyHistory | undefined {
    return this.#find(key) ? this.#chunks[this.#position]!.histories[this.#offset] : undefined;
  }

  /** The key's newest version; may be a tombstone. */
  newest(key: Binary): KeyValue | undefined {
    const history = this.get(key);
    return history && newestOf(history);
  }

  /** `kv` follows all versions of its key. After a `get` of the same key there is nothing to search. */
  append(kv: KeyValue): void {
    if (!this.#find(kv.key)) {
      this.#insert(kv);
      return;
    }
    appendAt(this.#chunks[this.#position]!, this.#offset, kv);
  }

  /** Appends what `next` answers to every history in start <= key < end, in order; null: nothing. `next` must not change the index. */
  appendEach(start: Binary, end: Binary | null, next: (newest: KeyValue) => KeyValue | null): void {
    this.#eachChunk(start, end, (chunk, from, to) => {
      for (let at = from; at < to; at += 1) {
        const kv = next(newestOf(chunk.histories[at]!));
        if (kv !== null) appendAt(chunk, at, kv);
      }
      return true;
    });
  }

  /** Calls `visit` for start <= key < end in order until it answers false. The index must not change meanwhile. */
  scan(start: Binary, end: Binary | null, visit: (history: KeyHistory, key: Binary) => boolean): void {
    this.#eachChunk(start, end, ({ keys, histories }, from, to) => {
      for (let at = from; at < to; at += 1) if (!visit(histories[at]!, keys[at]!)) return false;
      return true;
    });
  }

  /** Keys in start <= key < end that are there at present. */
  countLive(start: Binary, end: Binary | null): number {
    let count = 0;
    this.#eachChunk(start, end, (chunk, from, to) => {
      count += to - from === chunk.keys.length ? chunk.live : countLive(chunk.histories, from, to);
      return true;
    });
    return count;
  }

  /** Forgets the versions of its key before `kv` that are older than `revision`, and answers them. */
  dropBefore(kv: KeyValue, revision: Revision): readonly KeyValue[] {
    const history = this.get(kv.key);
    assert(history !== undefined, 'a change without its key');
    const count = countBefore(history, kv, revision);
    if (count === 0) return [];
    const dropped = (history as readonly KeyValue[]).slice(0, count);
    this.#chunks[this.#position]!.histories[this.#offset] = withoutOldest(history, count);
    return dropped;
  }

  /** Forgets a tombstone that is the oldest version of its key, and with it the key if there are no others. */
  dropTombstone(kv: KeyValue): void {
    const history = this.get(kv.key);
    assert(history !== undefined && isTombstone(kv), 'a tombstone without its key');
    const chunk = this.#chunks[this.#position]!;
    if (Array.isArray(history)) {
      assert(history[0] === kv, 'a tombstone that is not the oldest version');
      chunk.histories[this.#offset] = withoutOldest(history, 1);
      return;
    }
    assert(history === kv, 'a tombstone that is no version of its key');
    this.#size -= 1;
    this.#sought = null;
    chunk.keys.splice(this.#offset, 1);
    chunk.histories.splice(this.#offset, 1);
    this.#mergeIfSmall(this.#position, chunk);
  }

  /** Throws on a broken invariant. */
  checkInvariants(): void {
    let previous: Binary | undefined;
    let size = 0;
    for (const { keys, histories, live } of this.#chunks) {
      assert(keys.length > 0 && keys.length <= mvccLimits.indexChunkKeysMax, 'index: chunk size');
      assert(keys.length === histories.length, 'index: keys and histories differ in length');
      assert(live === countLive(histories, 0, histories.length), 'index: live keys');
      for (const [at, key] of keys.entries()) {
        assert(previous === undefined || previous < key, 'index: keys out of order');
        assert(newestOf(histories[at]!).key === key, 'index: a history under another key');
        previous = key;
      }
      size += keys.length;
    }
    assert(size === this.#size, 'index: size');
  }

  /** Leaves position and offset at the key, or where it belongs; answers whether it is there. */
  #find(key: Binary): boolean {
    if (key === this.#sought) return this.#found;
    this.#position = this.#chunkOf(key);
    const keys = this.#chunks[this.#position]?.keys;
    this.#offset = keys === undefined ? 0 : lowerBound(keys, key);
    this.#found = keys !== undefined && keys[this.#offset] === key;
    this.#sought = key;
    return this.#found;
  }

  /** The key is not there, and the last search was for it. */
  #insert(kv: KeyValue): void {
    const chunk = this.#chunks[this.#position];
    const at = this.#offset;
    const isFull = chunk?.keys.length === mvccLimits.indexChunkKeysMax;
    this.#size += 1;
    this.#sought = null;
    if (
      chunk === undefined ||
      (isFull && at === chunk.keys.length && this.#position === this.#chunks.length - 1)
    ) {
      // Keys that arrive in order leave full chunks behind.
      this.#chunks.push({ keys: [kv.key], histories: [kv], live: isTombstone(kv) ? 0 : 1 });
      return;
    }
    chunk.keys.splice(at, 0, kv.key);
    chunk.histories.splice(at, 0, kv);
    if (!isTombstone(kv)) chunk.live += 1;
    if (isFull) this.#split(this.#position, chunk);
  }

  /** Calls `visit` for the part [from, to) of each chunk that lies in start <= key < end, until it answers false. */
  #eachChunk(
    start: Binary,
    end: Binary | null,
    visit: (chunk: IndexChunk, from: number, to: number) => boolean,
  ): void {
    for (let position = this.#chunkOf(start); position < this.#chunks.length; position += 1) {
      const chunk = this.#chunks[position]!;
      const { keys } = chunk;
      const from = keys[0]! >= start ? 0 : lowerBound(keys, start);
      const to = end === null || keys.at(-1)! < end ? keys.length : lowerBound(keys, end);
      if (from < to && !visit(chunk, from, to)) return;
      if (to < keys.length) return;
    }
  }

  /** The last chunk whose first key is <= key, or the first one. */
  #chunkOf(key: Binary): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.keys[0]! <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(low - 1, 0);
  }

  #split(position: number, chunk: IndexChunk): void {
    const half = chunk.keys.length >>> 1;
    const keys = chunk.keys.splice(half);
    const histories = chunk.histories.splice(half);
    const live = countLive(histories, 0, histories.length);
    chunk.live -= live;
    this.#chunks.splice(position + 1, 0, { keys, histories, live });
  }

  #mergeIfSmall(position: number, chunk: IndexChunk): void {
    if (chunk.keys.length === 0) {
      this.#chunks.splice(position, 1);
      return;
    }
    const next = this.#chunks[position + 1];
    if (next === undefined || chunk.keys.length + next.keys.length > mvccLimits.indexChunkKeysMax >>> 1)
      return;
    this.#chunks.splice(position, 2, {
      keys: chunk.keys.concat(next.keys),
      histories: chunk.histories.concat(next.histories),
      live: chunk.live + next.live,
    });
  }
}

function appendAt(chunk: IndexChunk, at: number, kv: KeyValue): void {
  const history = chunk.histories[at]!;
  if (isTombstone(newestOf(history))) chunk.live += 1;
  if (isTombstone(kv)) chunk.live -= 1;
  chunk.histories[at] = append(history, kv);
}

function countLive(histories: readonly KeyHistory[], from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += 1) if (!isTombstone(newestOf(histories[at]!))) count += 1;
  return count;
}

/** The first position whose key is >= key. */
function lowerBound(keys: readonly Binary[], key: Binary): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
