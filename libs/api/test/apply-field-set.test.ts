import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeFieldsV1,
  difference,
  encodeFieldsV1,
  fieldSetOfPaths,
  intersection,
  pathsOf,
  recursiveDifference,
  sameSet,
  union,
  type FieldSet,
} from '../src/apply/field-set.js';
import { describePath } from '../src/apply/path-element.js';

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:"y"', 'i:0');
const path = fc.array(element, { minLength: 1, maxLength: 3 });
const paths = fc.array(path, { maxLength: 8 });
const keys = (set: FieldSet): readonly string[] => [...pathsOf(set)].map((each) => each.join(' ')).toSorted();
const keysOf = (list: readonly (readonly string[])[]): ReadonlySet<string> =>
  new Set(list.map((each) => each.join(' ')));

describe('a set of paths', () => {
  it('agrees with sets of strings', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const [a, b] = [fieldSetOfPaths(left), fieldSetOfPaths(right)];
        const [x, y] = [keysOf(left), keysOf(right)];
        expect(keys(union(a, b))).toEqual([...new Set([...x, ...y])].toSorted());
        expect(keys(intersection(a, b))).toEqual([...x].filter((each) => y.has(each)).toSorted());
        expect(keys(difference(a, b))).toEqual([...x].filter((each) => !y.has(each)).toSorted());
        const covered = (each: string): boolean => [...y].some((other) => `${each} `.startsWith(`${other} `));
        expect(keys(recursiveDifference(a, b))).toEqual([...x].filter((each) => !covered(each)).toSorted());
        expect(sameSet(a, b)).toBe(keys(a).join() === keys(b).join());
      }),
      { numRuns: 500 },
    );
  });

  it('goes through fieldsV1 and back', () => {
    fc.assert(
      fc.property(paths, (list) => {
        const set = fieldSetOfPaths(list);
        const decoded = decodeFieldsV1(JSON.parse(JSON.stringify(encodeFieldsV1(set))));
        expect(decoded).toEqual(set);
      }),
    );
  });

  it('is written as Kubernetes writes it', () => {
    const set = fieldSetOfPaths([
      ['f:spec', 'f:containers', 'k:{"name":"web"}'],
      ['f:spec', 'f:containers', 'k:{"name":"web"}', 'f:image'],
      ['f:metadata', 'f:finalizers', 'v:"x"'],
      ['f:metadata', 'f:finalizers'],
      ['f:metadata', 'f:finalizers', 'i:10'],
      ['f:metadata', 'f:finalizers', 'i:9'],
    ]);
    expect(JSON.stringify(encodeFieldsV1(set))).toBe(
      JSON.stringify({
        'f:metadata': { 'f:finalizers': { '.': {}, 'v:"x"': {}, 'i:9': {}, 'i:10': {} } },
        'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {} } } },
      }),
    );
  });

  it('takes keys in any order, and nothing that is no path', () => {
    expect(decodeFieldsV1({ 'k:{"b":1,"a":"x"}': {} })).toEqual(decodeFieldsV1({ 'k:{"a":"x","b":1}': {} }));
    for (const wrong of [
      1,
      [],
      { x: {} },
      { 'f:a': 1 },
      { 'k:[]': {} },
      { 'k:{': {} },
      { 'i:-1': {} },
      { 'v:': {} },
    ]) {
      expect(decodeFieldsV1(wrong)).toBeUndefined();
    }
  });

  it('paths read as in Kubernetes', () => {
    expect(describePath(['f:spec', 'f:ports', 'k:{"port":80,"protocol":"TCP"}', 'f:name'])).toBe(
      '.spec.ports[port=80,protocol="TCP"].name',
    );
    expect(describePath(['f:a', 'v:"x"'])).toBe('.a[="x"]');
    expect(describePath(['f:a', 'i:3'])).toBe('.a[3]');
  });
});
