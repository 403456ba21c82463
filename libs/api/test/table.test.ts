import { describe, expect, it } from 'vitest';
import { findResource } from '../src/registry.js';
import type { KubeObject, Resource } from '../src/resource.js';
import { parseIncludeObject, partialObjectMetadataList, toTable } from '../src/table.js';

const resource: Resource = {
  group: '',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  singular: 'thing',
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: [],
  subresources: [],
  hasStatus: false,
  schema: { kind: 'object', properties: {} },
  columns: [
    { name: 'Name', type: 'string', format: 'name', description: 'its name', priority: 0 },
    { name: 'Age', type: 'string', description: 'its age', priority: 1 },
  ],
  row: ({ metadata: { name = '' } }, now) => [name, `${now}ms`],
};
const thing = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name, resourceVersion: '7' },
  spec: {},
});
const list = {
  apiVersion: 'v1',
  kind: 'ThingList',
  metadata: { resourceVersion: '9', continue: 'c' },
  items: [thing('a'), thing('b')],
};

describe('a table', () => {
  it('of a list has a row for each, with its metadata', () => {
    expect(toTable(resource, list, { now: 5, includeObject: 'Metadata' })).toEqual({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '9', continue: 'c' },
      columnDefinitions: [
        { name: 'Name', type: 'string', format: 'name', description: 'its name', priority: 0 },
        { name: 'Age', type: 'string', format: '', description: 'its age', priority: 1 },
      ],
      rows: ['a', 'b'].map((name) => ({
        cells: [name, '5ms'],
        object: {
          kind: 'PartialObjectMetadata',
          apiVersion: 'meta.k8s.io/v1',
          metadata: { name, resourceVersion: '7' },
        },
      })),
    });
  });

  it('of one object carries what is asked for', () => {
    const options = { now: 5, withColumns: false };
    expect(toTable(resource, thing('a'), { ...options, includeObject: 'None' })).toMatchObject({
      metadata: { resourceVersion: '7' },
      columnDefinitions: [],
      rows: [{ cells: ['a', '5ms'] }],
    });
    expect(toTable(resource, thing('a'), { ...options, includeObject: 'Object' }).rows[0]?.object).toEqual(
      thing('a'),
    );
  });

  it('prints a real kind', () => {
    const pods = findResource('', 'v1', 'pods');
    if (pods === undefined) throw new Error('no pods');
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [] },
      status: { phase: 'Running' },
    };
    const table = toTable(pods, pod, { now: 0, includeObject: 'None' });
    expect(table.rows[0]?.cells).toHaveLength(table.columnDefinitions.length);
    expect(table.rows[0]?.cells[0]).toBe('p');
  });

  it('takes includeObject as Kubernetes does', () => {
    expect([undefined, '', 'Metadata', 'None', 'Object'].map(parseIncludeObject)).toEqual([
      'Metadata',
      'Metadata',
      'Metadata',
      'None',
      'Object',
    ]);
    expect(() => parseIncludeObject('x')).toThrow('unrecognized includeObject value: "x"');
  });
});

it('a list of metadata', () => {
  expect(partialObjectMetadataList(list)).toMatchObject({
    kind: 'PartialObjectMetadataList',
    metadata: list.metadata,
    items: [{ kind: 'PartialObjectMetadata', metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
  });
});
