import { mvccLimits } from './limits.js';
import type { KeyValue } from './types.js';

/** Versions whose keys have their first `depth` chars in common, or are one key of fewer. */
interface Group {
  readonly kvs: KeyValue[];
  readonly depth: number;
}

/**
 * Sorts versions by key, and leaves those of one key in the order in which they came. Yields a list of them, the next ones in order, or
 * null: after each bounded piece of work.
 *
 * It is a radix sort, most significant chars first, two at a time. Comparing two strings costs V8 a look at each char that they share, and
 * keys of a store share most of theirs: a million insertions into the index, or a sort by comparisons, take several times as long.
 */
export function* inKeyOrder(versions: KeyValue[]): Generator<readonly KeyValue[] | null> {
  const stack: Group[] = [{ kvs: versions, depth: 0 }];
  for (let group = stack.pop(); group !== undefined; group = stack.pop()) {
    const { kvs } = group;
    if (kvs.length <= mvccLimits.sortGroupVersionsMin) {
      yield kvs.sort(byKey);
      continue;
    }
    const depth = yield* commonDepth(group);
    if (depth === null) yield kvs;
    else stack.push(...(yield* parted(kvs, depth)));
  }
}

/** How many chars all keys of the group have in common; null: all, they are one key. */
function* commonDepth({ kvs, depth }: Group): Generator<null, number | null> {
  const first = kvs[0]!.key;
  let common = first.length;
  let isOneKey = true;
  for (const [seen, { key }] of kvs.entries()) {
    let at = depth;
    while (at < common && at < key.length && key.charCodeAt(at) === first.charCodeAt(at)) at += 1;
    common = Math.min(common, at); // `depth` is beyond the end of keys that ended at the last part.
    if (key.length !== first.length) isOneKey = false;
    if (seen % mvccLimits.sortVersionsPerStep === mvccLimits.sortVersionsPerStep - 1) yield null;
  }
  return isOneKey && common === first.length ? null : common;
}

/** The groups of the next two chars; the first one comes last. */
function* parted(kvs: readonly KeyValue[], depth: number): Generator<null, readonly Group[]> {
  const parts = new Map<number, KeyValue[]>();
  for (const [seen, kv] of kvs.entries()) {
    const number = digit(kv.key, depth) * digits + digit(kv.key, depth + 1);
    const part = parts.get(number);
    if (part === undefined) parts.set(number, [kv]);
    else part.push(kv);
    if (seen % mvccLimits.sortVersionsPerStep === mvccLimits.sortVersionsPerStep - 1) yield null;
  }
  const numbers = Float64Array.from(parts.keys()).sort().reverse();
  return Array.from(numbers, (number) => ({ kvs: parts.get(number)!, depth: depth + 2 }));
}

/** A key that ends comes before one that goes on. */
const digit = (key: string, at: number): number => (at < key.length ? key.charCodeAt(at) + 1 : 0);
const digits = 257;

const byKey = (left: KeyValue, right: KeyValue): number =>
  left.key < right.key ? -1 : left.key > right.key ? 1 : 0;
