import { newestOf, type KeyHistory } from './key-history.js';
import { mvccLimits } from './limits.js';
import { assert, isTombstone, type Binary } from './types.js';

/** Neighbours in key order. */
export interface Leaf {
  readonly keys: Binary[];
  readonly histories: KeyHistory[];
  /** Keys whose newest version is no tombstone. */
  live: number;
}

/**
 * Neighbouring leaves. `bounds[i]` is above all keys before leaf i and not above its own; that of the first leaf counts for nothing. They
 * stand beside the leaves, because a search that looked for the first key of each leaf would wait for memory at four places instead of one.
 */
interface Group {
  readonly bounds: Binary[];
  readonly leaves: Leaf[];
  /** Of all leaves. */
  live: number;
}

/** Answers false: that is enough. `from` and `to`: the part of the leaf that is in the range. */
export type LeafVisitor = (leaf: Leaf, from: number, to: number) => boolean;

/**
 * All keys in order, in leaves, and these in groups: a tree of two levels, in which a new key moves at most a leaf's others and a new leaf at
 * most a group's. Leaves are small because V8 looks at each key that it moves in an array of old age.
 *
 * Invariants:
 * 1. keys ascend strictly within a leaf and from leaf to leaf, and bounds part them,
 * 2. no leaf and no group is empty or longer than its limit,
 * 3. keys and histories of a leaf have the same length,
 * 4. `live` is right, of leaves and of groups.
 *
 * What begins with `found` means the leaf at which the last `find` ended.
 */
export class LeafList {
  /** Of the groups, as theirs are of the leaves. */
  readonly #bounds: Binary[] = [];
  readonly #groups: Group[] = [];
  #group = 0;
  #slot = 0;

  /** `leaves` must keep the invariants. */
  constructor(leaves: readonly Leaf[]) {
    const perGroup = Math.max(1, Math.floor(mvccLimits.indexGroupLeavesMax * 0.75));
    for (let from = 0; from < leaves.length; from += perGroup)
      this.#pushGroup(leaves.slice(from, from + perGroup));
  }

  /** Goes to the leaf in which the key is, or belongs. undefined: there are no leaves. */
  find(key: Binary): Leaf | undefined {
    this.#group = lastNotAbove(this.#bounds, key);
    const group = this.#groups[this.#group];
    if (group === undefined) return undefined;
    this.#slot = lastNotAbove(group.bounds, key);
    return group.leaves[this.#slot];
  }

  get foundIsLast(): boolean {
    const { length } = this.#groups;
    return this.#group === length - 1 && this.#slot === this.#groups[length - 1]!.leaves.length - 1;
  }

  /** Its neighbour within the group. */
  get foundNext(): Leaf | undefined {
    return this.#groups[this.#group]!.leaves[this.#slot + 1];
  }

  /** So many more of its keys live. */
  foundLives(more: number): void {
    const group = this.#groups[this.#group]!;
    group.leaves[this.#slot]!.live += more;
    group.live += more;
  }

  /** Goes to the new leaf. */
  insertAfterFound(leaf: Leaf): void {
    const group = this.#groups[this.#group];
    const isFull = group?.leaves.length === mvccLimits.indexGroupLeavesMax;
    if (group === undefined || (isFull && this.foundIsLast)) {
      // Keys that arrive in order leave full groups behind.
      this.#pushGroup([leaf]);
      this.#group = this.#groups.length - 1;
      this.#slot = 0;
      return;
    }
    this.#slot += 1;
    group.bounds.splice(this.#slot, 0, leaf.keys[0]!);
    group.leaves.splice(this.#slot, 0, leaf);
    group.live += leaf.live;
    if (isFull) this.#splitFound(group);
  }

  removeFound(): void {
    const group = this.#groups[this.#group]!;
    removeLeaf(group, this.#slot);
    if (group.leaves.length > 0) return;
    this.#groups.splice(this.#group, 1);
    this.#bounds.splice(this.#group, 1);
  }

  removeFoundNext(): void {
    removeLeaf(this.#groups[this.#group]!, this.#slot + 1);
  }

  /**
   * Calls `visit` for all leaves with keys in start <= key < end, in order. It may append to histories, and
   * nothing else. What was found stays found.
   */
  each(start: Binary, end: Binary | null, visit: LeafVisitor): void {
    this.#walk(start, end, null, visit);
  }

  /** Keys in start <= key < end that are there at present. */
  countLive(start: Binary, end: Binary | null): number {
    let count = 0;
    const whole = (group: Group): void => void (count += group.live);
    this.#walk(start, end, whole, ({ keys, histories, live }, from, to) => {
      count += to - from === keys.length ? live : countLive(histories, from, to);
      return true;
    });
    return count;
  }

  /** Throws on a broken invariant. Answers how many keys there are. */
  checkInvariants(): number {
    let previous: Binary | undefined;
    let size = 0;
    assert(this.#groups.length === this.#bounds.length, 'index: groups and bounds differ in length');
    for (const [at, { leaves, bounds, live }] of this.#groups.entries()) {
      assert(leaves.length > 0 && leaves.length <= mvccLimits.indexGroupLeavesMax, 'index: group size');
      assert(leaves.length === bounds.length, 'index: leaves and bounds differ in length');
      assert(live === leaves.reduce((sum, leaf) => sum + leaf.live, 0), 'index: live keys of a group');
      for (const [slot, leaf] of leaves.entries()) {
        const bound = slot > 0 ? bounds[slot]! : this.#bounds[at]!;
        assert(previous === undefined || (previous < bound && bound <= leaf.keys[0]!), 'index: a bound');
        checkLeaf(leaf, previous);
        previous = leaf.keys.at(-1);
        size += leaf.keys.length;
      }
    }
    return size;
  }

  /** `whole`: takes groups that lie in the range as a whole instead of their leaves. */
  #walk(start: Binary, end: Binary | null, whole: ((group: Group) => void) | null, visit: LeafVisitor): void {
    const first = lastNotAbove(this.#bounds, start);
    for (let at = first; at < this.#groups.length; at += 1) {
      const group = this.#groups[at]!;
      if (whole !== null && isWithin(group, start, end)) {
        whole(group);
        continue;
      }
      let slot = at === first ? lastNotAbove(group.bounds, start) : 0;
      for (; slot < group.leaves.length; slot += 1) {
        const leaf = group.leaves[slot]!;
        const { keys, live } = leaf;
        const from = keys[0]! >= start ? 0 : lowerBound(keys, start);
        const to = end === null || keys.at(-1)! < end ? keys.length : lowerBound(keys, end);
        const goesOn = from >= to || visit(leaf, from, to);
        group.live += leaf.live - live;
        if (!goesOn || to < keys.length) return;
      }
    }
  }

  #pushGroup(leaves: Leaf[]): void {
    const bounds = leaves.map(({ keys }) => keys[0]!);
    this.#bounds.push(bounds[0]!);
    this.#groups.push({ bounds, leaves, live: liveOf(leaves) });
  }

  /** Stays at the leaf that was found. */
  #splitFound(group: Group): void {
    const half = group.leaves.length >>> 1;
    const leaves = group.leaves.splice(half);
    const bounds = group.bounds.splice(half);
    const live = liveOf(leaves);
    group.live -= live;
    this.#groups.splice(this.#group + 1, 0, { bounds, leaves, live });
    this.#bounds.splice(this.#group + 1, 0, bounds[0]!);
    if (this.#slot < half) return;
    this.#group += 1;
    this.#slot -= half;
  }
}

function removeLeaf(group: Group, slot: number): void {
  const [leaf] = group.leaves.splice(slot, 1);
  group.bounds.splice(slot, 1);
  group.live -= leaf!.live;
}

const liveOf = (leaves: readonly Leaf[]): number => leaves.reduce((sum, { live }) => sum + live, 0);

const isWithin = ({ leaves }: Group, start: Binary, end: Binary | null): boolean =>
  leaves[0]!.keys[0]! >= start && (end === null || leaves.at(-1)!.keys.at(-1)! < end);

function checkLeaf({ keys, histories, live }: Leaf, before: Binary | undefined): void {
  assert(keys.length > 0 && keys.length <= mvccLimits.indexLeafKeysMax, 'index: leaf size');
  assert(keys.length === histories.length, 'index: keys and histories differ in length');
  assert(live === countLive(histories, 0, histories.length), 'index: live keys');
  let previous = before;
  for (const [at, key] of keys.entries()) {
    assert(previous === undefined || previous < key, 'index: keys out of order');
    assert(newestOf(histories[at]!).key === key, 'index: a history under another key');
    previous = key;
  }
}

/** Of a part of a leaf. */
export function countLive(histories: readonly KeyHistory[], from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += 1) if (!isTombstone(newestOf(histories[at]!))) count += 1;
  return count;
}

/** The first position whose key is >= key. */
export function lowerBound(keys: readonly Binary[], key: Binary): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last position whose bound is <= key, or the first one. */
function lastNotAbove(bounds: readonly Binary[], key: Binary): number {
  let low = 1;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bounds[middle]! <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
