import { describe, expect, test } from 'vitest';
import { openApiV2, openApiV3, openApiV3Index, resources } from '../src/index.js';

const groupVersions = ['api/v1', 'apis/apps/v1', 'apis/coordination.k8s.io/v1', 'apis/discovery.k8s.io/v1'];

const references = (value: unknown): readonly string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    key === '$ref' && typeof each === 'string' ? [each] : references(each),
  );
};

const at = (document: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as { [key: string]: unknown })[key] : undefined,
    document,
  );

test('the index names a document per group and version, by its content', () => {
  const index = openApiV3Index();
  expect(Object.keys(at(index, 'paths') as object)).toEqual(groupVersions);
  const url = at(index, 'paths', 'apis/apps/v1', 'serverRelativeURL');
  expect(url).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{16}$/);
  expect(at(openApiV3Index(), 'paths', 'apis/apps/v1', 'serverRelativeURL')).toBe(url);
  const without = openApiV3Index(resources.filter(({ kind }) => kind !== 'ReplicaSet'));
  expect(at(without, 'paths', 'apis/apps/v1', 'serverRelativeURL')).not.toBe(url);
  expect(openApiV3('apis/batch/v1')).toBeUndefined();
});

test.each(groupVersions)('%s defines all that it refers to', (groupVersion) => {
  const document = openApiV3(groupVersion);
  const schemas = at(document, 'components', 'schemas') as object;
  const missing = references(document).filter(
    (reference) => !Object.hasOwn(schemas, reference.replace('#/components/schemas/', '')),
  );
  expect(missing).toEqual([]);
});

test('no reference has siblings in version 3', () => {
  const crowded = (value: unknown): readonly unknown[] => {
    if (typeof value !== 'object' || value === null) return [];
    const own = Object.hasOwn(value, '$ref') && Object.keys(value).length > 1 ? [value] : [];
    return [...own, ...Object.values(value).flatMap(crowded)];
  };
  expect(groupVersions.flatMap((groupVersion) => crowded(openApiV3(groupVersion)))).toEqual([]);
});

describe('what kubectl looks for', () => {
  const path = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}';
  const gvk = { group: 'apps', version: 'v1', kind: 'Deployment' };

  test('a patch that takes fieldValidation and strategic merge patches', () => {
    const patch = at(openApiV3('apis/apps/v1'), 'paths', path, 'patch');
    expect(at(patch, 'x-kubernetes-group-version-kind')).toEqual(gvk);
    expect(at(patch, 'parameters')).toContainEqual({
      name: 'fieldValidation',
      in: 'query',
      schema: { type: 'string' },
    });
    expect(at(patch, 'requestBody', 'content')).toHaveProperty(['application/strategic-merge-patch+json']);
  });

  test('the same in version 2', () => {
    const patch = at(openApiV2(), 'paths', path, 'patch');
    expect(at(patch, 'x-kubernetes-group-version-kind')).toEqual(gvk);
    expect(at(patch, 'parameters')).toContainEqual({ name: 'fieldValidation', in: 'query', type: 'string' });
    expect(at(patch, 'consumes')).toContain('application/strategic-merge-patch+json');
  });

  test('merge keys and strategies', () => {
    const schemas = at(openApiV3('apis/apps/v1'), 'components', 'schemas');
    const podSpec = at(schemas, 'io.k8s.api.core.v1.PodSpec', 'properties');
    expect(at(podSpec, 'volumes')).toMatchObject({
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge,retainKeys',
    });
    expect(at(schemas, 'io.k8s.api.apps.v1.DeploymentSpec', 'properties', 'strategy')).toMatchObject({
      'x-kubernetes-patch-strategy': 'retainKeys',
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy' }],
    });
  });

  test('every resource lists, and its kind is found from its path', () => {
    for (const { group, version, kind, plural } of resources) {
      const groupVersion = group === '' ? `api/${version}` : `apis/${group}/${version}`;
      const list = at(openApiV3(groupVersion), 'paths', `/${groupVersion}/${plural}`, 'get');
      expect(at(list, 'x-kubernetes-group-version-kind')).toEqual({ group, version, kind });
    }
  });
});
