import type { Binary } from '@raftsman/mvcc';

/** [start, end); end null: no upper bound. */
export interface Interval {
  readonly start: Binary;
  readonly end: Binary | null;
}

/** etcd's pair of fields: `rangeEnd` empty means the one key, "\0" every key from `key` on. */
export function interval(key: Binary, rangeEnd: Binary): Interval {
  if (rangeEnd === '') return { start: key, end: `${key}\0` };
  return { start: key, end: rangeEnd === '\0' ? null : rangeEnd };
}

/**
 * A set of keys as intervals. Invariants: in the order of their starts; none empty; between one's end and the next one's start is a gap.
 */
export class Coverage {
  readonly #intervals: readonly Interval[];

  constructor(intervals: readonly Interval[]) {
    this.#intervals = merge(intervals);
  }

  /** Whether every key of `wanted` is in the set; of an empty interval, whether its start is. */
  covers(wanted: Interval): boolean {
    const last = this.#lastFrom(wanted.start);
    if (last === undefined || !isBefore(wanted.start, last.end)) return false;
    return last.end === null || (wanted.end !== null && wanted.end <= last.end);
  }

  /** The last interval that does not start after `key`. */
  #lastFrom(key: Binary): Interval | undefined {
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#intervals[middle]!.start <= key) low = middle + 1;
      else high = middle;
    }
    return this.#intervals[low - 1];
  }
}

const isBefore = (key: Binary, end: Binary | null): boolean => end === null || key < end;

function merge(intervals: readonly Interval[]): Interval[] {
  const sorted = intervals
    .filter(({ start, end }) => isBefore(start, end))
    .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const merged: Interval[] = [];
  for (const next of sorted) {
    const last = merged.at(-1);
    const touches = last !== undefined && (last.end === null || next.start <= last.end);
    if (!touches) merged.push(next);
    else if (last.end !== null && isBefore(last.end, next.end))
      merged[merged.length - 1] = { start: last.start, end: next.end };
  }
  return merged;
}
