import { describe, expect, it } from 'vitest';
import { applyPatch, decodeApplyPatch, patchTypes } from '../src/patch/index.js';
import { checkPatchOptions, managerOf } from '../src/patch/options.js';
import { applyStrategicMergePatch } from '../src/patch/strategic-merge-patch.js';
import { atomicList, int32, map, mapList, obj, opt, setList, str, type Schema } from '../src/schema.js';
import { ApiError } from '../src/status/index.js';

const container = obj({
  name: opt(str()),
  image: opt(str()),
  command: opt(atomicList(str())),
  ports: opt(
    mapList(obj({ containerPort: opt(int32()), protocol: opt(str()), name: opt(str()) }), [
      'containerPort',
      'protocol',
    ]),
  ),
  env: opt(mapList(obj({ name: opt(str()), value: opt(str()) }), ['name'])),
});
const spec = obj({
  containers: opt(mapList(container, ['name'])),
  tolerations: opt(atomicList(obj({ key: opt(str()) }))),
  nodeSelector: opt(map(str())),
  strategy: opt(
    obj(
      { type: opt(str()), rollingUpdate: opt(obj({ maxSurge: opt(int32()) })) },
      { patchStrategy: 'retainKeys' },
    ),
  ),
  again: opt({ kind: 'lazy', get: (): Schema => spec }),
});
const schema = obj({
  metadata: opt(
    obj({
      name: opt(str()),
      labels: opt(map(str())),
      finalizers: opt(setList(str(), { patchStrategy: 'merge' })),
    }),
  ),
  spec: opt(spec),
});

const patched = (current: unknown, patch: unknown): unknown =>
  applyStrategicMergePatch({ spec: current }, { spec: patch }, schema);
const specOf = (current: unknown, patch: unknown): unknown =>
  (patched(current, patch) as { spec: unknown }).spec;

const refusal = (act: () => unknown): ApiError => {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

const nginx = { name: 'nginx', image: 'nginx:1' };
const log = { name: 'log', image: 'log:1' };

describe('strategic merge patch', () => {
  it.each<[string, unknown, unknown, unknown]>([
    [
      'merges objects, deletes by null',
      { nodeSelector: { a: '1', b: '2' } },
      { nodeSelector: { a: null, c: '3' } },
      { nodeSelector: { b: '2', c: '3' } },
    ],
    [
      'merges a list by its key',
      { containers: [nginx, log] },
      { containers: [{ name: 'log', image: 'log:2' }] },
      { containers: [nginx, { name: 'log', image: 'log:2' }] },
    ],
    [
      'puts a new item before the live ones',
      { containers: [nginx] },
      { containers: [log] },
      { containers: [log, nginx] },
    ],
    [
      'replaces an atomic list',
      { tolerations: [{ key: 'a' }] },
      { tolerations: [{ key: 'b' }] },
      { tolerations: [{ key: 'b' }] },
    ],
    [
      'merges lists in lists',
      { containers: [{ ...nginx, env: [{ name: 'A', value: '1' }] }] },
      { containers: [{ name: 'nginx', env: [{ name: 'A', value: '2' }] }] },
      { containers: [{ ...nginx, env: [{ name: 'A', value: '2' }] }] },
    ],
    [
      'goes by the first of several keys',
      { containers: [{ name: 'a', ports: [{ containerPort: 80, protocol: 'TCP' }] }] },
      { containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'http' }] }] },
      { containers: [{ name: 'a', ports: [{ containerPort: 80, protocol: 'TCP', name: 'http' }] }] },
    ],
    [
      'deletes an item',
      { containers: [nginx, log] },
      { containers: [{ name: 'nginx', $patch: 'delete' }] },
      { containers: [log] },
    ],
    [
      'deletes an item that is not there',
      { containers: [nginx] },
      { containers: [{ name: 'x', $patch: 'delete' }] },
      { containers: [nginx] },
    ],
    [
      'replaces a list',
      { containers: [nginx] },
      { containers: [{ $patch: 'replace' }, log] },
      { containers: [log] },
    ],
    [
      'replaces an object',
      { nodeSelector: { a: '1' } },
      { nodeSelector: { $patch: 'replace', b: '2' } },
      { nodeSelector: { b: '2' } },
    ],
    [
      'deletes an object',
      { nodeSelector: { a: '1' } },
      { nodeSelector: { $patch: 'delete' } },
      { nodeSelector: {} },
    ],
    [
      'says merge aloud',
      { nodeSelector: { a: '1' } },
      { nodeSelector: { $patch: 'merge', b: '2' } },
      { nodeSelector: { a: '1', b: '2' } },
    ],
    [
      'keeps directives out of what is new',
      {},
      { containers: [{ name: 'a', $patch: 'merge', image: null }] },
      { containers: [{ name: 'a' }] },
    ],
    [
      'retains keys of a union',
      { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
      { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
      { strategy: { type: 'Recreate' } },
    ],
    [
      'goes through recursive types',
      { again: { containers: [nginx] } },
      { again: { containers: [log] } },
      { again: { containers: [log, nginx] } },
    ],
    [
      'orders as the client says',
      { containers: [nginx, log] },
      { '$setElementOrder/containers': [{ name: 'log' }, { name: 'nginx' }] },
      { containers: [log, nginx] },
    ],
    [
      'keeps the server’s own items where they were',
      { containers: [{ name: 'a' }, { name: 's' }, { name: 'b' }] },
      {
        '$setElementOrder/containers': [{ name: 'a' }, { name: 'n' }, { name: 'b' }],
        containers: [{ name: 'n' }],
      },
      { containers: [{ name: 'a' }, { name: 'n' }, { name: 's' }, { name: 'b' }] },
    ],
    [
      'orders and deletes',
      { containers: [nginx, log] },
      { '$setElementOrder/containers': [{ name: 'log' }], containers: [{ name: 'nginx', $patch: 'delete' }] },
      { containers: [log] },
    ],
    [
      'replaces what has another type',
      { nodeSelector: 'x' },
      { nodeSelector: { a: '1' } },
      { nodeSelector: { a: '1' } },
    ],
    [
      'keeps what the schema does not know',
      { x: { a: [1] } },
      { x: { a: [2], b: 3 } },
      { x: { a: [2], b: 3 } },
    ],
  ])('%s', (_name, current, patch, result) => {
    expect(specOf(current, patch)).toEqual(result);
  });

  it('merges lists of primitives, and deletes from them', () => {
    const merge = (live: unknown, patch: unknown): unknown =>
      applyStrategicMergePatch({ metadata: { finalizers: live } }, { metadata: patch }, schema);
    expect(merge(['a', 'b'], { finalizers: ['b', 'c'] })).toEqual({
      metadata: { finalizers: ['a', 'b', 'c'] },
    });
    expect(merge(['a', 'b'], { '$deleteFromPrimitiveList/finalizers': ['a'] })).toEqual({
      metadata: { finalizers: ['b'] },
    });
    expect(
      merge(['a', 'b', 'c'], {
        '$setElementOrder/finalizers': ['c', 'a', 'd'],
        '$deleteFromPrimitiveList/finalizers': ['b'],
        finalizers: ['d'],
      }),
    ).toEqual({ metadata: { finalizers: ['c', 'a', 'd'] } });
  });

  it.each<[string, unknown, number]>([
    ['no merge key', { containers: [{ image: 'x' }] }, 422],
    ['an unknown directive', { nodeSelector: { $patch: 'frob' } }, 400],
    ['an unknown directive in a list', { containers: [{ name: 'a', $patch: 'frob' }] }, 400],
    ['scalars among objects', { containers: ['x'] }, 400],
    ['what $retainKeys does not retain', { strategy: { $retainKeys: ['type'], rollingUpdate: {} } }, 400],
    ['directives that are not lists', { strategy: { $retainKeys: 'type' } }, 400],
    [
      'an order that the patch contradicts',
      {
        '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }],
        containers: [{ name: 'b' }, { name: 'a' }],
      },
      400,
    ],
    [
      'an order that lacks an item',
      { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'b' }] },
      400,
    ],
  ])('refuses %s', (_name, patch, code) => {
    expect(refusal(() => specOf({ containers: [nginx], strategy: { type: 'x' } }, patch)).code).toBe(code);
  });

  it('does not change its arguments', () => {
    const live = { containers: [nginx, log], nodeSelector: { a: '1' } };
    const patch = {
      containers: [
        { name: 'log', image: 'x' },
        { name: 'nginx', $patch: 'delete' },
      ],
      nodeSelector: { a: null },
    };
    const before = structuredClone([live, patch]);
    specOf(live, patch);
    expect([live, patch]).toEqual(before);
  });
});

describe('PATCH', () => {
  const current = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' }, spec: { containers: [nginx] } };
  const send = (contentType: string, text: string) =>
    applyPatch({ schema, current, patchBytes: new TextEncoder().encode(text), contentType });

  it('goes by its content type', () => {
    expect(send(patchTypes.merge, '{"spec":{"containers":[]}}').object).toMatchObject({
      spec: { containers: [] },
    });
    expect(send(patchTypes.strategic, '{"spec":{"containers":[]}}').object).toEqual(current);
    expect(send(patchTypes.json, '[{"op":"add","path":"/spec/x","value":null}]').object).toEqual(current);
    expect(send(`${patchTypes.merge}; charset=utf-8`, '{"a":1,"a":2}').strictErrors).toEqual([
      'duplicate field "a"',
    ]);
    expect(refusal(() => send('text/plain', '{}')).code).toBe(415);
  });

  it.each([
    [patchTypes.merge, '[]', 400],
    [patchTypes.strategic, '1', 400],
    [patchTypes.json, '{}', 400],
    [patchTypes.merge, '{', 400],
    [patchTypes.json, '[{"op":"replace","path":"","value":1}]', 422],
  ])('%s refuses %s', (contentType, text, code) => {
    expect(refusal(() => send(contentType, text)).code).toBe(code);
  });

  it('an apply is YAML or JSON', () => {
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
    expect(decodeApplyPatch(encode('a: 1\na: 2'))).toEqual({
      value: { a: 2 },
      strictErrors: ['line 2: key "a" already set in map'],
    });
    expect(decodeApplyPatch(encode('{"a":1}')).value).toEqual({ a: 1 });
    expect(refusal(() => decodeApplyPatch(encode('a: ['))).message).toContain('error decoding YAML: line 1');
  });

  it('checks its options', () => {
    expect(refusal(() => checkPatchOptions({ contentType: patchTypes.apply })).message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
    expect(
      refusal(() => checkPatchOptions({ contentType: patchTypes.merge, force: true })).message,
    ).toContain('force: Forbidden: may not be specified for non-apply patch');
    expect(
      refusal(() => checkPatchOptions({ contentType: patchTypes.merge, fieldManager: 'x'.repeat(129) })).code,
    ).toBe(422);
    expect(
      refusal(() => checkPatchOptions({ contentType: patchTypes.merge, fieldManager: 'a\nb' })).code,
    ).toBe(422);
    expect(() =>
      checkPatchOptions({ contentType: patchTypes.apply, fieldManager: 'kubectl', force: true }),
    ).not.toThrow();
    expect(managerOf('', 'kubectl/v1.35.0 (linux/amd64) kubernetes/abc')).toBe('kubectl');
  });
});
