import type { KeyRange } from './key-range.js';
import type { Binary } from './types.js';

interface Group<T> {
  readonly start: Binary;
  readonly end: Binary | null;
  readonly members: Set<T>;
}

/**
 * Which of many ranges hold a key. Equal ranges are one group; groups are searched by their start, and `furthestEnd`
 * tells when no earlier group can reach the key. For ranges that hardly overlap (prefixes) a search is a binary search.
 */
export class RangeIndex<T> {
  readonly #single = new Map<Binary, Set<T>>();
  readonly #groups = new Map<string, Group<T>>();
  /** Ordered by start; null: to be made anew. */
  #ordered: readonly Group<T>[] | null = [];
  /** furthestEnd[i]: the largest end of groups 0..i; null: unbounded. */
  #furthestEnd: readonly (Binary | null)[] = [];

  add(range: KeyRange, member: T): void {
    if (range.single) {
      const members = this.#single.get(range.start);
      if (members === undefined) this.#single.set(range.start, new Set([member]));
      else members.add(member);
      return;
    }
    const name = nameOf(range);
    const group = this.#groups.get(name);
    if (group !== undefined) {
      group.members.add(member);
      return;
    }
    this.#groups.set(name, { start: range.start, end: range.end, members: new Set([member]) });
    this.#ordered = null;
  }

  delete(range: KeyRange, member: T): void {
    if (range.single) {
      const members = this.#single.get(range.start);
      if (members?.delete(member) && members.size === 0) this.#single.delete(range.start);
      return;
    }
    const name = nameOf(range);
    const group = this.#groups.get(name);
    if (!group?.members.delete(member) || group.members.size > 0) return;
    this.#groups.delete(name);
    this.#ordered = null;
  }

  /** Calls `visit` with every member whose range holds the key. */
  match(key: Binary, visit: (member: T) => void): void {
    this.#single.get(key)?.forEach(visit);
    if (this.#groups.size === 0) return;
    const ordered = this.#ordered ?? this.#order();
    for (let at = lastStartingAtOrBefore(ordered, key); at >= 0; at -= 1) {
      const furthest = this.#furthestEnd[at]!;
      if (furthest !== null && furthest <= key) return;
      const { end, members } = ordered[at]!;
      if (end === null || key < end) members.forEach(visit);
    }
  }

  #order(): readonly Group<T>[] {
    const ordered = [...this.#groups.values()].sort((a, b) =>
      a.start < b.start ? -1 : a.start > b.start ? 1 : 0,
    );
    let furthest: Binary | null = '';
    this.#furthestEnd = ordered.map(({ end }) => {
      if (furthest !== null && (end === null || end > furthest)) furthest = end;
      return furthest;
    });
    this.#ordered = ordered;
    return ordered;
  }
}

const nameOf = (range: KeyRange): string =>
  `${range.start.length}:${range.start}${range.end === null ? '' : `:${range.end}`}`;

function lastStartingAtOrBefore<T>(ordered: readonly Group<T>[], key: Binary): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ordered[middle]!.start <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
