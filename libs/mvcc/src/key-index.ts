import { append, countBefore, newestOf, withoutOldest, type KeyHistory } from './key-history.js';
import { countLive, LeafList, lowerBound, type Leaf } from './leaf-list.js';
import { mvccLimits } from './limits.js';
import { assert, isTombstone, type Binary, type KeyValue, type Revision } from './types.js';

/**
 * All keys in order, each with its history.
 *
 * Invariant: unless it is null, #sought is where the last search ended: in #leaf at #offset, which is its place, or where it belongs.
 */
export class KeyIndex {
  readonly #leaves: LeafList;
  #size: number;
  #sought: Binary | null = null;
  /** undefined: there are no keys. */
  #leaf: Leaf | undefined;
  #offset = 0;
  #found = false;

  /** `leaves` must keep the invariants of LeafList. */
  constructor(leaves: readonly Leaf[] = []) {
    this.#leaves = new LeafList(leaves);
    this.#size = leaves.reduce((sum, { keys }) => sum + keys.length, 0);
  }

  /** Keys, those that are deleted and not compacted yet too. */
  get size(): number {
    return this.#size;
  }

  get(key: Binary): KeyHistory | undefined {
    return this.#find(key) ? this.#leaf!.histories[this.#offset] : undefined;
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
    const more = appendAt(this.#leaf!, this.#offset, kv);
    if (more !== 0) this.#leaves.foundLives(more);
  }

  /** Appends what `next` answers to every history in start <= key < end, in order; null: nothing. `next` must not change the index. */
  appendEach(start: Binary, end: Binary | null, next: (newest: KeyValue) => KeyValue | null): void {
    this.#leaves.each(start, end, (leaf, from, to) => {
      for (let at = from; at < to; at += 1) {
        const kv = next(newestOf(leaf.histories[at]!));
        if (kv !== null) leaf.live += appendAt(leaf, at, kv);
      }
      return true;
    });
  }

  /** Calls `visit` for start <= key < end in order until it answers false. The index must not change meanwhile. */
  scan(start: Binary, end: Binary | null, visit: (history: KeyHistory, key: Binary) => boolean): void {
    this.#leaves.each(start, end, ({ keys, histories }, from, to) => {
      for (let at = from; at < to; at += 1) if (!visit(histories[at]!, keys[at]!)) return false;
      return true;
    });
  }

  /** Keys in start <= key < end that are there at present. */
  countLive(start: Binary, end: Binary | null): number {
    return this.#leaves.countLive(start, end);
  }

  /** Forgets the versions of its key before `kv` that are older than `revision`, and answers them. */
  dropBefore(kv: KeyValue, revision: Revision): readonly KeyValue[] {
    const history = this.get(kv.key);
    assert(history !== undefined, 'a change without its key');
    const count = countBefore(history, kv, revision);
    if (count === 0) return [];
    const dropped = (history as readonly KeyValue[]).slice(0, count);
    this.#leaf!.histories[this.#offset] = withoutOldest(history, count);
    return dropped;
  }

  /** Forgets a tombstone that is the oldest version of its key, and with it the key if there are no others. */
  dropTombstone(kv: KeyValue): void {
    const history = this.get(kv.key);
    assert(history !== undefined && isTombstone(kv), 'a tombstone without its key');
    const leaf = this.#leaf!;
    if (Array.isArray(history)) {
      assert(history[0] === kv, 'a tombstone that is not the oldest version');
      leaf.histories[this.#offset] = withoutOldest(history, 1);
      return;
    }
    assert(history === kv, 'a tombstone that is no version of its key');
    this.#size -= 1;
    this.#sought = null;
    leaf.keys.splice(this.#offset, 1);
    leaf.histories.splice(this.#offset, 1);
    if (leaf.keys.length === 0) this.#leaves.removeFound();
    else this.#mergeIfSmall(leaf);
  }

  /** Throws on a broken invariant. */
  checkInvariants(): void {
    assert(this.#leaves.checkInvariants() === this.#size, 'index: size');
  }

  /** Leaves leaf and offset at the key, or where it belongs; answers whether it is there. */
  #find(key: Binary): boolean {
    if (key === this.#sought) return this.#found;
    const leaf = this.#leaves.find(key);
    this.#leaf = leaf;
    this.#offset = leaf === undefined ? 0 : lowerBound(leaf.keys, key);
    this.#found = leaf !== undefined && leaf.keys[this.#offset] === key;
    this.#sought = key;
    return this.#found;
  }

  /** The key is not there, and the last search was for it. */
  #insert(kv: KeyValue): void {
    const live = isTombstone(kv) ? 0 : 1;
    const leaf = this.#leaf;
    this.#size += 1;
    this.#sought = null;
    const isFull = leaf?.keys.length === mvccLimits.indexLeafKeysMax;
    if (leaf === undefined || (isFull && this.#offset === leaf.keys.length && this.#leaves.foundIsLast)) {
      // Keys that arrive in order leave full leaves behind.
      this.#leaves.insertAfterFound({ keys: [kv.key], histories: [kv], live });
      return;
    }
    const into = isFull ? this.#split(leaf) : leaf;
    into.keys.splice(this.#offset, 0, kv.key);
    into.histories.splice(this.#offset, 0, kv);
    if (live !== 0) this.#leaves.foundLives(live);
  }

  /** Makes room at the offset, before anything grows; answers the half in which that is now. */
  #split(leaf: Leaf): Leaf {
    const half = leaf.keys.length >>> 1;
    const keys = leaf.keys.splice(half);
    const histories = leaf.histories.splice(half);
    const live = countLive(histories, 0, histories.length);
    this.#leaves.foundLives(-live);
    const upper = { keys, histories, live };
    this.#leaves.insertAfterFound(upper);
    // At the border it is the last of the lower half: it may be below the bound of the upper.
    if (this.#offset > half) {
      this.#offset -= half;
      return upper;
    }
    this.#leaves.find(leaf.keys[0]!);
    return leaf;
  }

  #mergeIfSmall(leaf: Leaf): void {
    const next = this.#leaves.foundNext;
    if (next === undefined || leaf.keys.length + next.keys.length > mvccLimits.indexLeafKeysMax >>> 1) return;
    leaf.keys.push(...next.keys);
    leaf.histories.push(...next.histories);
    this.#leaves.foundLives(next.live);
    this.#leaves.removeFoundNext();
  }
}

/** Answers how many more of the leaf's keys live now. */
function appendAt({ histories }: Leaf, at: number, kv: KeyValue): number {
  const history = histories[at]!;
  const before = isTombstone(newestOf(history)) ? 0 : 1;
  histories[at] = append(history, kv);
  return (isTombstone(kv) ? 0 : 1) - before;
}
