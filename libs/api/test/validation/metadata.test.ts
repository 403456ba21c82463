import { describe, expect, test } from 'vitest';
import { problems, updateProblems } from './help.js';

const configMap = (metadata: object, rest: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata,
  ...rest,
});
const of = (metadata: object) => problems(configMap(metadata));

const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

describe('names', () => {
  test('good ones', () => {
    for (const name of ['a', '0', 'a.b-c', 'a'.repeat(253)]) expect(of({ name })).toEqual([]);
    expect(of({ name: 'web-abcde', generateName: 'web-' })).toEqual([]);
  });
  test.each(['X', 'a_b', '-a', 'a-', 'a..b', 'ä', 'a b', '../etc'])('%s is none', (name) => {
    expect(of({ name })).toEqual([`metadata.name: Invalid value: ${JSON.stringify(name)}: ${subdomain}`]);
  });
  test('missing', () => {
    expect(of({ name: '' })).toEqual(['metadata.name: Required value: name or generateName is required']);
  });
  test('too long', () => {
    expect(of({ name: 'a'.repeat(254) })).toEqual([
      expect.stringMatching(/^metadata\.name: Invalid value: .*must be no more than 253 bytes$/),
    ]);
  });
  test('of services and namespaces have no dots', () => {
    expect(problems({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a.b' } })[0]).toContain(
      'a lowercase RFC 1123 label must consist of',
    );
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: '1a' },
      spec: { clusterIP: 'None' },
    };
    expect(problems(service)[0]).toContain('a DNS-1035 label must consist of');
  });
});

test('a namespace where none belongs, and none where one does', () => {
  expect(problems({ apiVersion: 'v1', kind: 'Node', metadata: { namespace: 'default' } })).toEqual([
    'metadata.namespace: Forbidden: not allowed on this type',
  ]);
  expect(of({ namespace: '' })).toEqual(['metadata.namespace: Required value']);
});

describe('labels and annotations', () => {
  test('good ones', () => {
    const labels = { a: '', 'example.com/A_b.c': 'x_Y.z-1', [`${'a'.repeat(63)}`]: 'a'.repeat(63) };
    expect(of({ labels, annotations: { 'example.com/Any': 'thing\n' } })).toEqual([]);
  });
  test.each([
    [{ '-a': '' }, 'name part must consist of alphanumeric characters'],
    [{ 'a/b/c': '' }, "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"],
    [{ '/a': '' }, 'prefix part must be non-empty'],
    [{ 'a/': '' }, 'name part must be non-empty'],
    [{ 'A/b': '' }, 'prefix part a lowercase RFC 1123 subdomain must consist of'],
    [{ ['a'.repeat(64)]: '' }, 'name part must be no more than 63 bytes'],
    [{ a: 'b c' }, 'a valid label must be an empty string or consist of'],
    [{ a: 'a'.repeat(64) }, 'must be no more than 63 bytes'],
  ])('%j', (labels, said) => {
    expect(of({ labels }).join()).toContain(said);
    expect(of({ labels }).join()).toMatch(/^metadata\.labels: Invalid value: /);
  });
  test('annotations up to 256 KiB together', () => {
    expect(of({ annotations: { a: 'x'.repeat(256 * 1024 - 1) } })).toEqual([]);
    expect(of({ annotations: { a: 'ä'.repeat(128 * 1024) } })).toEqual([
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ]);
  });
});

test('owners', () => {
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true };
  expect(of({ ownerReferences: [owner] })).toEqual([]);
  expect(of({ ownerReferences: [owner, { ...owner, name: 'q', uid: 'v' }] }).join()).toContain(
    'Only one reference can have Controller set to true. Found "true" in references for p and q',
  );
  expect(of({ ownerReferences: [{ ...owner, apiVersion: 'v1/', uid: '' }] })).toEqual([
    'metadata.ownerReferences[0].apiVersion: Invalid value: "v1/": version must not be empty',
    'metadata.ownerReferences[0].uid: Invalid value: "": must not be empty',
  ]);
});

test('finalizers', () => {
  expect(of({ finalizers: ['foregroundDeletion', 'example.com/keep'] })).toEqual([]);
  expect(of({ finalizers: ['keep'] })).toEqual([
    'metadata.finalizers[0]: Invalid value: "keep": name is neither a standard finalizer name nor is it fully qualified',
  ]);
});

describe('an update', () => {
  test('leaves who the object is', () => {
    const old = configMap({ uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' });
    expect(updateProblems(configMap({ uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' }), old)).toEqual(
      [],
    );
    expect(updateProblems(configMap({ uid: 'v' }), old)).toEqual([
      'metadata.uid: Invalid value: "v": field is immutable',
      'metadata.creationTimestamp: Invalid value: null: field is immutable',
    ]);
  });
  test('may take finalizers from what is going, and add none', () => {
    const gone = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    const old = configMap({ ...gone, finalizers: ['e.com/a'] });
    expect(updateProblems(configMap({ ...gone }), old)).toEqual([]);
    expect(updateProblems(configMap({ ...gone, finalizers: ['e.com/a', 'e.com/b'] }), old)).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"e.com/b"}',
    ]);
  });
  test('counts generations upwards', () => {
    expect(updateProblems(configMap({ generation: 1 }), configMap({ generation: 2 }))).toEqual([
      'metadata.generation: Invalid value: 1: must not be decremented',
    ]);
  });
});

test('a refusal lists so many causes, however bad the object', () => {
  const data = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`a/${index}`, '']));
  expect(problems(configMap({}, { data }))).toHaveLength(256);
});
