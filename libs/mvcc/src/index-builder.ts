import { append, newestOf, type KeyHistory } from './key-history.js';
import { KeyIndex, type IndexChunk } from './key-index.js';
import { inKeyOrder } from './key-order.js';
import { mvccLimits } from './limits.js';
import { isTombstone, type Binary, type KeyValue } from './types.js';

/**
 * Builds the index of versions that come in order of revision, and takes the list of them apart. Yields after each bounded piece of work.
 * `onKey`: told of the newest version of each key.
 */
export function* buildIndex(
  versions: KeyValue[],
  onKey: (newest: KeyValue) => void,
): Generator<void, KeyIndex> {
  const chunks = new ChunkWriter(onKey);
  let done = 0;
  for (const sorted of inKeyOrder(versions)) {
    for (const kv of sorted ?? []) chunks.add(kv);
    done += sorted?.length ?? 0;
    if (sorted !== null && done < mvccLimits.sortVersionsPerStep) continue;
    done = 0;
    yield;
  }
  return new KeyIndex(chunks.finish());
}

/** Takes versions in order of key, then revision. */
class ChunkWriter {
  readonly #chunks: IndexChunk[] = [];
  readonly #onKey: (newest: KeyValue) => void;
  readonly #keysPerChunk = Math.max(1, Math.floor(mvccLimits.indexChunkKeysMax * 0.75));
  #chunk: IndexChunk = { keys: [], histories: [], live: 0 };
  #key: Binary | null = null;
  #history: KeyHistory | null = null;

  constructor(onKey: (newest: KeyValue) => void) {
    this.#onKey = onKey;
  }

  add(kv: KeyValue): void {
    if (this.#history !== null && this.#key === kv.key) {
      this.#history = append(this.#history, withKey(kv, this.#key));
      return;
    }
    this.#endKey();
    this.#key = kv.key;
    this.#history = kv;
  }

  finish(): IndexChunk[] {
    this.#endKey();
    if (this.#chunk.keys.length > 0) this.#chunks.push(this.#chunk);
    return this.#chunks;
  }

  #endKey(): void {
    if (this.#history === null || this.#key === null) return;
    const newest = newestOf(this.#history);
    this.#onKey(newest);
    this.#chunk.keys.push(this.#key);
    this.#chunk.histories.push(this.#history);
    if (!isTombstone(newest)) this.#chunk.live += 1;
    if (this.#chunk.keys.length < this.#keysPerChunk) return;
    // Arrays of just their length: those that grew by `push` have room that nobody needs.
    const { keys, histories, live } = this.#chunk;
    this.#chunks.push({ keys: keys.slice(), histories: histories.slice(), live });
    this.#chunk = { keys: [], histories: [], live: 0 };
  }
}

/** Versions of a key share one string; the versions are this restore's own. */
function withKey(kv: KeyValue, key: Binary): KeyValue {
  (kv as { key: Binary }).key = key;
  return kv;
}
