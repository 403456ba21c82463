import { append, newestOf, type KeyHistory } from './key-history.js';
import { KeyIndex } from './key-index.js';
import { inKeyOrder } from './key-order.js';
import type { Leaf } from './leaf-list.js';
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
  const leaves = new LeafWriter(onKey);
  let done = 0;
  for (const sorted of inKeyOrder(versions)) {
    for (const kv of sorted ?? []) leaves.add(kv);
    done += sorted?.length ?? 0;
    if (sorted !== null && done < mvccLimits.sortVersionsPerStep) continue;
    done = 0;
    yield;
  }
  return new KeyIndex(leaves.finish());
}

/** Takes versions in order of key, then revision. */
class LeafWriter {
  readonly #leaves: Leaf[] = [];
  readonly #onKey: (newest: KeyValue) => void;
  readonly #keysPerLeaf = Math.max(1, Math.floor(mvccLimits.indexLeafKeysMax * 0.75));
  #leaf: Leaf = { keys: [], histories: [], live: 0 };
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

  finish(): Leaf[] {
    this.#endKey();
    if (this.#leaf.keys.length > 0) this.#leaves.push(this.#leaf);
    return this.#leaves;
  }

  #endKey(): void {
    if (this.#history === null || this.#key === null) return;
    const newest = newestOf(this.#history);
    this.#onKey(newest);
    this.#leaf.keys.push(this.#key);
    this.#leaf.histories.push(this.#history);
    if (!isTombstone(newest)) this.#leaf.live += 1;
    if (this.#leaf.keys.length < this.#keysPerLeaf) return;
    // Arrays of just their length: those that grew by `push` have room that nobody needs.
    const { keys, histories, live } = this.#leaf;
    this.#leaves.push({ keys: keys.slice(), histories: histories.slice(), live });
    this.#leaf = { keys: [], histories: [], live: 0 };
  }
}

/** Versions of a key share one string; the versions are this restore's own. */
function withKey(kv: KeyValue, key: Binary): KeyValue {
  (kv as { key: Binary }).key = key;
  return kv;
}
