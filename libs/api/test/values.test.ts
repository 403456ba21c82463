import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deepEqual, jsonClone, measure, semanticEqual, withoutNulls } from '../src/values.js';

/** What comes through decodeBody: see JsonValue. */
const value = fc.jsonValue({ maxDepth: 3 }).filter((json) => !JSON.stringify(json).includes('__proto__'));

describe('values', () => {
  it('are equal if their JSON is, whatever the order of keys', () => {
    fc.assert(
      fc.property(value, value, (left, right) => {
        expect(deepEqual(left, jsonClone(left))).toBe(true);
        expect(deepEqual(left, right)).toBe(deepEqual(right, left));
        expect(deepEqual([left], [right])).toBe(deepEqual(left, right));
      }),
    );
    expect(deepEqual({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
    expect(deepEqual({ a: undefined }, {})).toBe(true);
    expect(deepEqual({ a: null }, {})).toBe(false);
    expect(deepEqual([], {})).toBe(false);
    expect(deepEqual({}, { toString: 1 })).toBe(false);
    expect(deepEqual([1, 2], [2, 1])).toBe(false);
  });

  it('are semantically equal if they differ by what is empty only', () => {
    expect(semanticEqual({ a: null, b: [], c: {}, d: 1 }, { d: 1 })).toBe(true);
    expect(semanticEqual({ a: { b: { c: [] } } }, undefined)).toBe(true);
    expect(semanticEqual({ a: 0 }, {})).toBe(false);
    expect(semanticEqual({ a: '' }, {})).toBe(false);
    expect(semanticEqual([null], [])).toBe(false);
  });

  it('lose their nulls, and are not copied if they have none', () => {
    const plain = { a: [{ b: 1 }] };
    expect(withoutNulls(plain)).toBe(plain);
    expect(withoutNulls({ a: null, b: [{ c: null }, null], d: { e: { f: null } } })).toEqual({
      b: [{}, null],
      d: { e: {} },
    });
  });

  it('are measured without recursion', () => {
    expect(measure({ ab: ['xyz', 1] }, 10)).toEqual({ nodes: 4, size: 9, depth: 3 });
    let deep: unknown = 1;
    for (let index = 0; index < 100_000; index += 1) deep = [deep];
    expect(measure(deep, 64).depth).toBe(65);
  });
});
