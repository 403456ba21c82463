import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { buildIndex } from '../src/index-builder.js';
import { versionsOf } from '../src/key-history.js';
import { KeyIndex } from '../src/key-index.js';
import { inKeyOrder } from '../src/key-order.js';
import type * as Limits from '../src/limits.js';
import { isTombstone, revision, type KeyValue } from '../src/types.js';

/** So small that random keys cross every border. */
vi.mock('../src/limits.js', async (original) => {
  const { mvccLimits } = await original<typeof Limits>();
  return {
    mvccLimits: {
      ...mvccLimits,
      indexLeafKeysMax: 4,
      indexGroupLeavesMax: 3,
      sortVersionsPerStep: 3,
      sortGroupVersionsMin: 2,
    },
  };
});

const version = (key: string, at: number, isDeletion = false): KeyValue => ({
  key,
  createRevision: revision(isDeletion ? 0 : at),
  modRevision: revision(at),
  sub: 0,
  version: isDeletion ? 0 : 1,
  value: '',
  lease: 0n,
});

/** Keys that share beginnings, end within others, and hold every kind of byte. */
const key = fc
  .array(fc.constantFrom('a', 'b', 'ab', '\0', '\u00ff', 'aaaa', '/registry/pods/'), { maxLength: 5 })
  .map((parts) => parts.join(''));
const change = fc.record({ key, isDeletion: fc.boolean() });
const changes = fc.array(change, { maxLength: 60 });
const bounds = fc.tuple(key, fc.option(key));

const versionsOfChanges = (list: readonly { key: string; isDeletion: boolean }[]): KeyValue[] =>
  list.map((each, at) => version(each.key, at + 2, each.isDeletion));

function built(versions: readonly KeyValue[]): KeyIndex {
  const building = buildIndex([...versions], () => undefined);
  for (;;) {
    const step = building.next();
    if (step.done) return step.value;
  }
}

function inserted(versions: readonly KeyValue[]): KeyIndex {
  const index = new KeyIndex();
  for (const kv of versions) {
    index.append(kv);
    index.checkInvariants();
  }
  return index;
}

function everything(index: KeyIndex): unknown {
  const all: unknown[] = [];
  index.scan('', null, (history, name) => all.push([name, versionsOf(history)]) > 0);
  return all;
}

/** Newest versions by key, from a plain map. */
const newestOfAll = (versions: readonly KeyValue[]): Map<string, KeyValue> =>
  new Map(versions.map((kv) => [kv.key, kv]));

describe('KeyIndex', () => {
  it('counts what lives in a range as one who looks at every key', () => {
    fc.assert(
      fc.property(changes, fc.array(bounds, { maxLength: 10 }), (list, ranges) => {
        const versions = versionsOfChanges(list);
        const index = inserted(versions);
        for (const [start, end] of ranges) {
          const living = [...newestOfAll(versions).values()].filter(
            (kv) => !isTombstone(kv) && kv.key >= start && (end === null || kv.key < end),
          );
          expect(index.countLive(start, end)).toBe(living.length);
        }
      }),
    );
  });

  it('is the same built at once as built one by one, and goes on the same', () => {
    fc.assert(
      fc.property(changes, changes, (first, then) => {
        const versions = versionsOfChanges([...first, ...then]);
        const whole = inserted(versions);
        const index = built(versions.slice(0, first.length));
        index.checkInvariants();
        for (const kv of versions.slice(first.length)) {
          index.append(kv);
          index.checkInvariants();
        }
        expect(everything(index)).toEqual(everything(whole));
        expect(index.size).toBe(whole.size);
      }),
    );
  });

  it('appends to each in a range what it is told, and to nothing else', () => {
    fc.assert(
      fc.property(changes, bounds, (list, [start, end]) => {
        const versions = versionsOfChanges(list);
        const index = inserted(versions);
        const seen: string[] = [];
        index.appendEach(start, end, (newest) => {
          seen.push(newest.key);
          return isTombstone(newest) ? null : version(newest.key, 1_000, true);
        });
        index.checkInvariants();
        const within = [...newestOfAll(versions).keys()]
          .filter((each) => each >= start && (end === null || each < end))
          .toSorted();
        expect(seen).toEqual(within);
        expect(index.countLive(start, end)).toBe(0);
        const outside = [...newestOfAll(versions).values()].filter((kv) => !within.includes(kv.key));
        for (const kv of outside) expect(index.newest(kv.key)).toBe(kv);
      }),
    );
  });

  it('forgets versions and, with its last one, the key', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const versions = versionsOfChanges(list);
        const index = inserted(versions);
        const end = revision(list.length + 2);
        for (const kv of newestOfAll(versions).values()) {
          const older = versions.filter((each) => each.key === kv.key && each !== kv);
          expect(index.dropBefore(kv, end)).toEqual(older);
          if (isTombstone(kv)) index.dropTombstone(kv);
          index.checkInvariants();
          expect(index.newest(kv.key)).toBe(isTombstone(kv) ? undefined : kv);
        }
      }),
    );
  });
});

describe('inKeyOrder', () => {
  it('sorts by key, then by revision', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const versions = versionsOfChanges(list);
        const sorted = [...inKeyOrder([...versions])].flatMap((some) => some ?? []);
        const byKey = (left: KeyValue, right: KeyValue): number =>
          left.key < right.key ? -1 : left.key > right.key ? 1 : 0;
        expect(sorted).toEqual(versions.toSorted(byKey));
      }),
    );
  });

  it('does little at a time, also where keys are long, alike or in their thousands the same', () => {
    const long = Array.from({ length: 500 }, (_, at) => version('x'.repeat(at), at + 2));
    const hot = Array.from({ length: 5_000 }, (_, at) => version('x'.repeat(100), at + 600));
    let pieces = 0;
    let sorted = 0;
    for (const some of inKeyOrder([...long, ...hot])) {
      pieces += 1;
      sorted += some?.length ?? 0;
    }
    expect(sorted).toBe(5_500);
    expect(pieces).toBeGreaterThan(5_500 / 3);
  });
});
