import { mvccLimits } from './limits.js';

interface Chunk<V> {
  readonly keys: string[];
  readonly values: V[];
}

/**
 * A map in key order: a sorted list of sorted chunks. Searches are two binary searches; an insertion moves at most a chunk.
 *
 * Invariants:
 * 1. keys ascend strictly within a chunk and from chunk to chunk,
 * 2. no chunk is empty or longer than indexChunkKeysMax,
 * 3. keys and values of a chunk have the same length.
 */
export class SortedMap<V> {
  readonly #chunks: Chunk<V>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    if (chunk === undefined) return undefined;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  set(key: string, value: V): void {
    const found = this.getOrAdd(key, value);
    if (found === undefined) return;
    const chunk = this.#chunks[this.#chunkOf(key)]!;
    chunk.values[lowerBound(chunk.keys, key)] = value;
  }

  /** What the key has; undefined: it had nothing, and has `value` now. One search where `get` and `set` are two. */
  getOrAdd(key: string, value: V): V | undefined {
    const position = this.#chunkOf(key);
    const chunk = this.#chunks[position];
    if (chunk === undefined) {
      this.#chunks.push({ keys: [key], values: [value] });
      this.#size = 1;
      return undefined;
    }
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] === key) return chunk.values[at];
    this.#size += 1;
    if (
      at === chunk.keys.length &&
      at === mvccLimits.indexChunkKeysMax &&
      position === this.#chunks.length - 1
    ) {
      // Keys that arrive in order leave full chunks behind.
      this.#chunks.push({ keys: [key], values: [value] });
      return undefined;
    }
    chunk.keys.splice(at, 0, key);
    chunk.values.splice(at, 0, value);
    if (chunk.keys.length > mvccLimits.indexChunkKeysMax) this.#split(position, chunk);
    return undefined;
  }

  delete(key: string): boolean {
    const position = this.#chunkOf(key);
    const chunk = this.#chunks[position];
    if (chunk === undefined) return false;
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] !== key) return false;
    this.#size -= 1;
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
    this.#mergeIfSmall(position, chunk);
    return true;
  }

  /** Calls `visit` for start <= key < end in order until it answers false. The map must not change meanwhile. */
  scan(start: string, end: string | null, visit: (value: V, key: string) => boolean): void {
    for (let position = this.#chunkOf(start); position < this.#chunks.length; position += 1) {
      const { keys, values } = this.#chunks[position]!;
      const from = keys[0]! >= start ? 0 : lowerBound(keys, start);
      const to = end === null || keys.at(-1)! < end ? keys.length : lowerBound(keys, end);
      for (let at = from; at < to; at += 1) if (!visit(values[at]!, keys[at]!)) return;
      if (to < keys.length) return;
    }
  }

  /** Throws on a broken invariant. */
  checkInvariants(): void {
    let previous: string | undefined;
    let size = 0;
    for (const { keys, values } of this.#chunks) {
      if (keys.length === 0 || keys.length > mvccLimits.indexChunkKeysMax)
        throw new Error('index: chunk size');
      if (keys.length !== values.length) throw new Error('index: keys and values differ in length');
      for (const key of keys) {
        if (previous !== undefined && previous >= key) throw new Error('index: keys out of order');
        previous = key;
      }
      size += keys.length;
    }
    if (size !== this.#size) throw new Error('index: size');
  }

  /** The last chunk whose first key is <= key, or the first one. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.keys[0]! <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(low - 1, 0);
  }

  #split(position: number, chunk: Chunk<V>): void {
    const half = chunk.keys.length >>> 1;
    this.#chunks.splice(position + 1, 0, {
      keys: chunk.keys.splice(half),
      values: chunk.values.splice(half),
    });
  }

  #mergeIfSmall(position: number, chunk: Chunk<V>): void {
    if (chunk.keys.length === 0) {
      this.#chunks.splice(position, 1);
      return;
    }
    const next = this.#chunks[position + 1];
    if (next === undefined || chunk.keys.length + next.keys.length > mvccLimits.indexChunkKeysMax >>> 1)
      return;
    this.#chunks.splice(position, 2, {
      keys: chunk.keys.concat(next.keys),
      values: chunk.values.concat(next.values),
    });
  }
}

/** The first position whose key is >= key. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
