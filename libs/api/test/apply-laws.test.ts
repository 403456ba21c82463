import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serverSideApply, trackUpdate } from '../src/apply/index.js';
import { decodeFieldsV1, pathsOf } from '../src/apply/field-set.js';
import { fieldSetOf } from '../src/apply/structure.js';
import type { KubeObject } from '../src/resource.js';
import { atomicList, int32, map, mapList, obj, opt, setList, str } from '../src/schema.js';
import { ApiError } from '../src/status/index.js';
import { isObject } from '../src/values.js';

const item = obj({ name: opt(str()), value: opt(int32()), labels: opt(map(str())) });
const schema = obj({
  metadata: opt(obj({ labels: opt(map(str())), finalizers: opt(setList(str())) })),
  spec: opt(
    obj({
      replicas: opt(int32()),
      nested: opt(obj({ a: opt(int32()), b: opt(int32()) })),
      items: opt(mapList(item, ['name'])),
      args: opt(atomicList(str())),
    }),
  ),
});

const number = fc.integer({ min: 0, max: 2 });
const word = fc.constantFrom('x', 'y', 'z');
const labels = fc.dictionary(word, word, { maxKeys: 2, minKeys: 1, noNullPrototype: true });
const optional = { requiredKeys: [] as [] };
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<unknown> =>
  fc.record(model, { ...optional, noNullPrototype: true });
const items = (values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .uniqueArray(fc.tuple(word, values), { selector: ([name]) => name, minLength: 1, maxLength: 3 })
    .map((list) => list.map(([name, rest]) => ({ name, ...(rest as object) })));
const spec = record({
  replicas: number,
  nested: record({ a: number, b: number }),
  items: items(record({ value: number, labels })),
  args: fc.array(word, { maxLength: 2 }),
});
const config = record({
  metadata: record({ labels, finalizers: fc.uniqueArray(word, { minLength: 1 }) }),
  spec,
}).map((body): KubeObject => {
  const { metadata, ...rest } = body as { metadata?: object };
  return { apiVersion: 'v1', kind: 'X', ...rest, metadata: { name: 'x', ...metadata } };
});

const time = '2026-01-01T00:00:00Z';
const apply = (live: KubeObject | undefined, applied: KubeObject, manager: string, force = true) =>
  serverSideApply({ schema, live, applied, manager, force, apiVersion: 'v1', time });

const withoutOwners = ({ metadata, ...rest }: KubeObject): unknown => {
  const { managedFields, ...others } = metadata;
  return { hasOwners: managedFields !== undefined, ...rest, metadata: others };
};
/** Lists whose order is nobody's, in one order. */
const unordered = (value: unknown): unknown => {
  if (Array.isArray(value)) {
    return value
      .map(unordered)
      .toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
  }
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unordered(each)]))
    : value;
};
const pathTexts = (object: unknown): ReadonlySet<string> =>
  new Set([...pathsOf(fieldSetOf(object, schema))].map((path) => path.join('/')));

/** What an object holds by its own paths: each leaf with its value. */
const holds = (object: unknown, applied: unknown): boolean => {
  if (Array.isArray(applied)) {
    const list: readonly unknown[] = Array.isArray(object) ? object : [];
    return applied.every((each) =>
      isObject(each)
        ? list.some((other) => isObject(other) && other['name'] === each['name'] && holds(other, each))
        : list.includes(each),
    );
  }
  if (!isObject(applied)) return object === applied;
  return isObject(object) && Object.entries(applied).every(([key, each]) => holds(object[key], each));
};

describe('the laws of server-side apply', () => {
  it('applying twice is applying once', () => {
    fc.assert(
      fc.property(config, config, config, (first, other, wanted) => {
        const live = apply(apply(undefined, first, 'me').object, other, 'other').object;
        const once = apply(live, wanted, 'me').object;
        const twice = apply(once, wanted, 'me', false);
        expect(twice).toEqual({ object: once, changed: false });
      }),
      { numRuns: 200 },
    );
  });

  it('what is applied by force is there, and the arguments are as they were', () => {
    fc.assert(
      fc.property(config, config, (first, wanted) => {
        const live = apply(undefined, first, 'other').object;
        const before = structuredClone([live, wanted]);
        expect(holds(apply(live, wanted, 'me').object, wanted)).toBe(true);
        expect([live, wanted]).toEqual(before);
      }),
      { numRuns: 200 },
    );
  });

  it('appliers that agree commute', () => {
    fc.assert(
      fc.property(config, config, (left, right) => {
        const inOrder = attempt(
          () => apply(apply(undefined, left, 'l', false).object, right, 'r', false).object,
        );
        const reversed = attempt(
          () => apply(apply(undefined, right, 'r', false).object, left, 'l', false).object,
        );
        // A conflict is one in both orders.
        expect(inOrder instanceof ApiError).toBe(reversed instanceof ApiError);
        fc.pre(!(inOrder instanceof ApiError));
        expect(unordered(inOrder)).toEqual(unordered(reversed));
      }),
      { numRuns: 300 },
    );
  });

  it('an applier that goes leaves what the others applied, as if it had never been', () => {
    fc.assert(
      fc.property(config, config, (mine, theirs) => {
        const nothing: KubeObject = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' } };
        const alone = apply(undefined, theirs, 'them').object;
        const together = attempt(() => apply(alone, mine, 'me', false).object);
        fc.pre(!(together instanceof Error));
        const left = apply(together as KubeObject, nothing, 'me').object;
        expect(pathTexts(withoutOwners(left))).toEqual(pathTexts(withoutOwners(alone)));
        expect(left.metadata.managedFields).toEqual(alone.metadata.managedFields);
      }),
      { numRuns: 300 },
    );
  });

  it('what an updater owns is not pruned', () => {
    fc.assert(
      fc.property(config, config, (mine, theirs) => {
        const nothing: KubeObject = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' } };
        const created = trackUpdate({
          schema,
          old: undefined,
          new: theirs,
          manager: 'them',
          apiVersion: 'v1',
          time,
        });
        const applied = attempt(() => apply(created, mine, 'me', false).object);
        fc.pre(!(applied instanceof Error));
        const left = apply(applied as KubeObject, nothing, 'me').object;
        const kept = pathTexts(left);
        const lost = [...pathTexts(theirs)].filter((path) => !kept.has(path));
        expect(lost).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

const attempt = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

describe('the laws of tracking', () => {
  const write = fc.record({
    kind: fc.constantFrom('apply', 'update'),
    manager: fc.constantFrom('a', 'b', 'c'),
    body: config,
  });

  it('nobody owns what is not there, and two updaters never own the same leaf', () => {
    fc.assert(
      fc.property(fc.array(write, { minLength: 1, maxLength: 6 }), (writes) => {
        let live: KubeObject | undefined;
        for (const { kind, manager, body } of writes) {
          live =
            kind === 'apply'
              ? apply(live, body, manager).object
              : trackUpdate({ schema, old: live, new: body, manager, apiVersion: 'v1', time });
        }
        const there = pathTexts(live);
        const updaters = new Map<string, number>();
        for (const { operation, fieldsV1 } of live?.metadata.managedFields ?? []) {
          const fields = decodeFieldsV1(fieldsV1);
          if (fields === undefined) throw new Error('not decoded');
          for (const path of pathsOf(fields)) {
            const text = path.join('/');
            // Containers are owned too: they are there when something below them is.
            expect(there.has(text) || [...there].some((each) => each.startsWith(`${text}/`))).toBe(true);
            if (operation === 'Update') updaters.set(text, (updaters.get(text) ?? 0) + 1);
          }
        }
        expect([...updaters].filter(([, count]) => count > 1)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
