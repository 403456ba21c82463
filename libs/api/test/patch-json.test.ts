import fc from 'fast-check';
import { applyPatch as reference, createPatch, type Operation } from 'rfc6902';
import { describe, expect, it } from 'vitest';
import { limits } from '../src/limits.js';
import { applyJsonPatch } from '../src/patch/json-patch.js';
import { ApiError } from '../src/status/index.js';

const refusal = (act: () => unknown): ApiError => {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('JSON patch: the examples of RFC 6902, appendix A', () => {
  it.each<[string, unknown, unknown[], unknown]>([
    ['A.1', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { baz: 'qux', foo: 'bar' }],
    [
      'A.2',
      { foo: ['bar', 'baz'] },
      [{ op: 'add', path: '/foo/1', value: 'qux' }],
      { foo: ['bar', 'qux', 'baz'] },
    ],
    ['A.3', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    ['A.4', { foo: ['bar', 'qux', 'baz'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['bar', 'baz'] }],
    [
      'A.5',
      { baz: 'qux', foo: 'bar' },
      [{ op: 'replace', path: '/baz', value: 'boo' }],
      { baz: 'boo', foo: 'bar' },
    ],
    [
      'A.6',
      { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
    ],
    [
      'A.7',
      { foo: ['all', 'grass', 'cows', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      { foo: ['all', 'cows', 'eat', 'grass'] },
    ],
    [
      'A.8',
      { baz: 'qux', foo: ['a', 2, 'c'] },
      [
        { op: 'test', path: '/baz', value: 'qux' },
        { op: 'test', path: '/foo/1', value: 2 },
      ],
      { baz: 'qux', foo: ['a', 2, 'c'] },
    ],
    [
      'A.10',
      { foo: 'bar' },
      [{ op: 'add', path: '/child', value: { grandchild: {} } }],
      { foo: 'bar', child: { grandchild: {} } },
    ],
    [
      'A.11',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }],
      { foo: 'bar', baz: 'qux' },
    ],
    ['A.14', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
    [
      'A.16',
      { foo: ['bar'] },
      [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
      { foo: ['bar', ['abc', 'def']] },
    ],
    ['the whole document', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
    ['a copy', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    ['null is a value', { a: null }, [{ op: 'test', path: '/a', value: null }], { a: null }],
  ])('%s', (_name, document, patch, result) => {
    expect(applyJsonPatch(document, patch)).toEqual(result);
  });

  it.each<[string, unknown, unknown, number]>([
    ['A.9 a test that fails', { baz: 'qux' }, [{ op: 'test', path: '/baz', value: 'bar' }], 422],
    ['A.12 a target that is not there', { foo: 'bar' }, [{ op: 'add', path: '/baz/bat', value: 'qux' }], 422],
    ['A.15 a number is not a string', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: '10' }], 422],
    ['an unknown operation', {}, [{ op: 'frob', path: '/a' }], 400],
    ['no path', {}, [{ op: 'remove' }], 400],
    ['no value', {}, [{ op: 'add', path: '/a' }], 400],
    ['a bad pointer', {}, [{ op: 'add', path: 'a', value: 1 }], 400],
    ['a bad escape', {}, [{ op: 'add', path: '/~2', value: 1 }], 400],
    ['no list', {}, { op: 'remove', path: '/a' }, 400],
    ['no operation', {}, [1], 400],
    ['a move into itself', { a: {} }, [{ op: 'move', from: '/a', path: '/a/b' }], 422],
    ['an index with a zero before it', { a: [1, 2] }, [{ op: 'remove', path: '/a/01' }], 422],
    ['an index beyond the end', { a: [1] }, [{ op: 'add', path: '/a/2', value: 1 }], 422],
    ['an inherited property', {}, [{ op: 'copy', from: '/toString', path: '/a' }], 422],
    ['the prototype', {}, [{ op: 'add', path: '/__proto__/a', value: 1 }], 422],
    ['a scalar parent', { a: 'x' }, [{ op: 'add', path: '/a/b', value: 1 }], 422],
  ])('refuses %s', (_name, document, patch, code) => {
    expect(refusal(() => applyJsonPatch(document, patch)).code).toBe(code);
  });
});

describe('JSON patch is bounded', () => {
  it('in operations', () => {
    const patch = Array.from({ length: limits.jsonPatchOperationsMax + 1 }, () => ({
      op: 'test',
      path: '',
      value: 1,
    }));
    expect(refusal(() => applyJsonPatch(1, patch)).code).toBe(413);
  });

  it('in what copies amount to', () => {
    const patch = Array.from({ length: 60 }, () => ({ op: 'copy', from: '/a', path: '/a/-' }));
    expect(refusal(() => applyJsonPatch({ a: ['x'] }, patch)).code).toBe(413);
  });

  it('in depth', () => {
    const patch = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0
        ? [
            { op: 'add', path: '/b', value: {} },
            { op: 'move', from: '/a', path: '/b/x' },
          ]
        : [
            { op: 'add', path: '/a', value: {} },
            { op: 'move', from: '/b', path: '/a/x' },
          ],
    ).flat();
    expect(refusal(() => applyJsonPatch({ a: {} }, patch)).message).toContain('exceeded max depth');
  });
});

const attempt = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

/** Undefined where the other implementation does not accept the patch. */
const theirs = (document: unknown, patch: readonly unknown[]): unknown => {
  const copy: unknown = structuredClone(document);
  const errors = attempt(() => reference(copy, structuredClone(patch) as Operation[]));
  return Array.isArray(errors) && errors.every((error) => error === null) ? copy : undefined;
};

describe('JSON patch agrees with another implementation', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.integer({ min: 0, max: 3 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value;
  const pointer = fc
    .array(fc.oneof(key, fc.constantFrom('0', '1', '2', '-')), { minLength: 1, maxLength: 3 })
    .map((tokens) => `/${tokens.join('/')}`);
  const operation = fc.oneof(
    fc.record({ op: fc.constantFrom('add', 'replace', 'test'), path: pointer, value }),
    fc.record({ op: fc.constant('remove'), path: pointer }),
    fc.record({ op: fc.constant('copy'), path: pointer, from: pointer }),
  );

  it('on patches that the other makes', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        expect(applyJsonPatch({ root: before }, createPatch({ root: before }, { root: after }))).toEqual({
          root: after,
        });
      }),
    );
  });

  it('on what applies, and leaves the document as it was', () => {
    fc.assert(
      fc.property(value, fc.array(operation, { maxLength: 4 }), (document, patch) => {
        const before = structuredClone(document);
        const expected = theirs(document, patch);
        const ours = attempt(() => applyJsonPatch(document, patch));
        expect(document).toEqual(before);
        // It accepts more than the RFC does (names in lists, inherited properties): what we accept, it must read alike.
        fc.pre(!(ours instanceof ApiError));
        expect(ours).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
