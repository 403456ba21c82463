import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyMergePatch } from '../src/patch/merge-patch.js';

describe('merge patch', () => {
  it.each<[unknown, unknown, unknown]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('RFC 7386, appendix A: %j with %j', (target, patch, result) => {
    expect(applyMergePatch(target, patch)).toEqual(result);
  });

  const key = fc.constantFrom('a', 'b', 'c');
  const document = (leaf: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.dictionary(key, tie('node'), { maxKeys: 3, noNullPrototype: true }),
      ),
    })).node;
  const withNulls = document(fc.oneof(fc.integer(), fc.constant(null), fc.array(fc.integer())));
  const plain = document(fc.oneof(fc.integer(), fc.array(fc.integer())));

  it('applied twice is applied once, and changes no argument', () => {
    fc.assert(
      fc.property(plain, withNulls, (target, patch) => {
        const before = structuredClone([target, patch]);
        const once = applyMergePatch(target, patch);
        expect(applyMergePatch(once, patch)).toEqual(once);
        expect([target, patch]).toEqual(before);
      }),
    );
  });

  it('into nothing leaves the patch without its nulls; an empty one changes no object', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(applyMergePatch(undefined, value)).toEqual(value);
        expect(applyMergePatch({ root: value }, {})).toEqual({ root: value });
      }),
    );
  });
});
