import { expect, test } from 'vitest';
import { apiVersionOf, findResource, resourceOfKind, resources, type KubeObject } from '../src/index.js';

test('a resource is found by its path and by its kind', () => {
  for (const resource of resources) {
    expect(findResource(resource.group, resource.version, resource.plural)).toBe(resource);
    expect(resourceOfKind(apiVersionOf(resource), resource.kind)).toBe(resource);
  }
  expect(findResource('', 'v1', 'deployments')).toBeUndefined();
  expect(resourceOfKind('apps/v1beta1', 'Deployment')).toBeUndefined();
  expect(findResource('', 'v1', '__proto__')).toBeUndefined();
});

test('names are not used twice', () => {
  const names = resources.flatMap(({ plural, singular, shortNames }) => [plural, singular, ...shortNames]);
  expect(new Set(names).size).toBe(names.length);
});

test('a row has a cell per column, even of an object that says nothing', () => {
  for (const resource of resources) {
    const bare = {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { name: 'x' },
      spec: { containers: [], template: {} },
      involvedObject: {},
      addressType: 'IPv4',
    } as KubeObject;
    const cells = resource.row(bare, 0);
    expect(cells).toHaveLength(resource.columns.length);
    for (const cell of cells) expect(['string', 'number', 'boolean']).toContain(typeof cell);
    expect(cells[resource.columns.findIndex(({ format }) => format === 'name')]).toBe('x');
  }
});

test('only what has a status is served under /status', () => {
  for (const { hasStatus, subresources, schema } of resources) {
    expect(hasStatus).toBe(subresources.includes('status'));
    expect(Object.hasOwn(schema.properties, 'status')).toBe(hasStatus);
  }
});
