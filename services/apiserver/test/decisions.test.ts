import { describe, expect, test } from 'vitest';
import { findResource, type KubeObject, type Verb } from '@raftsman/api';
import { policyAuthorizer, type Action } from '../src/auth/authorizer.js';
import { anonymous, identityOf, type Identity } from '../src/auth/identity.js';
import { BeatHub } from '../src/grpc/beat-hub.js';
import { limits } from '../src/limits.js';
import {
  firstIp,
  ipInRange,
  ipText,
  parseIp,
  parseIpRange,
  staticBand,
} from '../src/registry/allocation/ip-range.js';
import { chooseFree } from '../src/registry/allocation/service-allocator.js';
import { noDeleteOptions } from '../src/registry/delete-options.js';
import { decide } from '../src/registry/verbs/delete.js';
import { negotiate } from '../src/rest/negotiate.js';
import { parsePath } from '../src/rest/request-path.js';
import { decodeContinue, encodeContinue } from '../src/storage/continue-token.js';
import { objectKey, prefixEnd, resourcePrefix } from '../src/storage/keys.js';

describe('who may do what', () => {
  const user = (name: string, ...groups: string[]): Identity => ({
    name,
    groups: [...groups, 'system:authenticated'],
  });
  const admin = user('admin', 'system:masters');
  const node = user('system:node:n1', 'system:nodes');
  const scheduler = user('system:kube-scheduler');
  const controllers = user('system:kube-controller-manager');
  const proxy = user('system:kube-proxy');
  const eve = user('eve');
  const on = (verb: Verb, resource: string, name = '', namespace = 'default'): Action => {
    const [path, subresource = ''] = resource.split('/') as [string, string?];
    const [plural, ...group] = path.split('.') as [string, ...string[]];
    return { kind: 'resource', verb, plural, subresource, group: group.join('.'), namespace, name };
  };
  const path = (verb: string, text: string): Action => ({ kind: 'path', verb, path: text });

  test.each<[string, Identity, Action, boolean]>([
    ['admin', admin, on('delete', 'secrets', 'x'), true],
    ['admin', admin, path('get', '/metrics'), true],
    ['nobody in particular', eve, on('list', 'pods'), false],
    ['nobody in particular', eve, path('get', '/apis'), true],
    ['nobody at all', anonymous, path('get', '/readyz'), true],
    ['nobody at all', anonymous, path('get', '/apis'), false],
    ['a node', node, on('patch', 'nodes/status', 'n1', ''), true],
    ['a node', node, on('patch', 'nodes/status', 'n2', ''), false],
    ['a node', node, on('delete', 'nodes', 'n1', ''), false],
    ['a node', node, on('create', 'pods'), false],
    ['a node', node, on('patch', 'pods/status', 'p'), true],
    ['a node', node, on('update', 'leases.coordination.k8s.io', 'n1', 'kube-node-lease'), true],
    ['a node', node, on('update', 'leases.coordination.k8s.io', 'n2', 'kube-node-lease'), false],
    ['a node', node, on('update', 'leases.coordination.k8s.io', 'kube-scheduler', 'kube-system'), false],
    ['a node', node, path('post', '/raftsman.v1.Heartbeats/Send'), true],
    ['a node', node, path('post', '/raftsman.v1.Heartbeats/Watch'), false],
    ['a name without its group', user('system:node:n1'), on('patch', 'nodes/status', 'n1', ''), false],
    ['the scheduler', scheduler, on('create', 'pods/binding', 'p'), true],
    ['the scheduler', scheduler, on('list', 'secrets'), false],
    [
      'the scheduler',
      scheduler,
      on('update', 'leases.coordination.k8s.io', 'kube-scheduler', 'kube-system'),
      true,
    ],
    ['the scheduler', scheduler, on('update', 'leases.coordination.k8s.io', 'other', 'kube-system'), false],
    ['the controllers', controllers, on('deletecollection', 'configmaps', '', 'gone'), true],
    ['the proxy', proxy, on('watch', 'endpointslices.discovery.k8s.io', '', ''), true],
    ['the proxy', proxy, on('list', 'pods'), false],
  ])('%s', (_who, identity, action, allowed) => {
    expect({ action, allowed: policyAuthorizer.allows(identity, action) }).toEqual({ action, allowed });
  });

  test('a certificate names a user and groups, and only while it is valid', () => {
    const certificate = {
      subject: { CN: 'system:node:n1', O: ['system:nodes', 'x'] },
      valid_from: 'Jan  1 00:00:00 2026 GMT',
      valid_to: 'Jan  1 00:00:00 2027 GMT',
    } as unknown as Parameters<typeof identityOf>[0];
    const during = Date.parse('2026-06-01T00:00:00Z');
    expect(identityOf(certificate, during)).toEqual({
      name: 'system:node:n1',
      groups: ['system:nodes', 'x', 'system:authenticated'],
    });
    expect(identityOf(certificate, Date.parse('2027-06-01T00:00:00Z'))).toBeNull();
    expect(identityOf(certificate, Date.parse('2025-06-01T00:00:00Z'))).toBeNull();
  });
});

describe('what a deletion does', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const target = (plural: string): Parameters<typeof decide>[0] => ({
    resource: findResource('', 'v1', plural)!,
    namespace: 'default',
    name: 'x',
    subresource: '',
  });
  const object = (metadata: object, rest: object = {}): KubeObject => ({
    apiVersion: 'v1',
    kind: 'X',
    metadata: { name: 'x', ...metadata },
    ...rest,
  });
  const running = { spec: { nodeName: 'n', containers: [], terminationGracePeriodSeconds: 20 } };

  test('what nothing holds goes at once', () => {
    expect(decide(target('configmaps'), object({}), noDeleteOptions, now)).toEqual({ kind: 'remove' });
    expect(decide(target('pods'), object({}, { spec: { containers: [] } }), noDeleteOptions, now)).toEqual({
      kind: 'remove',
    });
    const done = object({}, { ...running, status: { phase: 'Succeeded' } });
    expect(decide(target('pods'), done, noDeleteOptions, now)).toEqual({ kind: 'remove' });
  });

  test('a running pod is given its time, which may be shortened and not lengthened', () => {
    const first = decide(target('pods'), object({}, running), noDeleteOptions, now);
    expect(first).toMatchObject({
      kind: 'mark',
      object: { metadata: { deletionTimestamp: '2026-01-01T00:00:20Z', deletionGracePeriodSeconds: 20 } },
    });
    if (first.kind !== 'mark') throw new Error('not marked');
    const again = (gracePeriodSeconds: number): ReturnType<typeof decide> =>
      decide(target('pods'), first.object, { ...noDeleteOptions, gracePeriodSeconds }, now);
    expect(again(60)).toEqual({ kind: 'kept' });
    expect(again(5)).toMatchObject({ kind: 'mark', object: { metadata: { deletionGracePeriodSeconds: 5 } } });
    expect(again(0)).toEqual({ kind: 'remove' });
  });

  test('finalizers hold, and the propagation policy adds its own', () => {
    const held = object({ finalizers: ['a/b'] });
    expect(decide(target('configmaps'), held, noDeleteOptions, now)).toMatchObject({
      kind: 'mark',
      object: { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a/b'] } },
    });
    const how = (propagationPolicy: 'Orphan' | 'Foreground' | 'Background'): ReturnType<typeof decide> =>
      decide(target('configmaps'), object({}), { ...noDeleteOptions, propagationPolicy }, now);
    expect(how('Foreground')).toMatchObject({ object: { metadata: { finalizers: ['foregroundDeletion'] } } });
    expect(how('Orphan')).toMatchObject({ object: { metadata: { finalizers: ['orphan'] } } });
    expect(how('Background')).toEqual({ kind: 'remove' });
  });

  test('a namespace waits for its content', () => {
    const namespace = object({}, { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
    expect(decide(target('namespaces'), namespace, noDeleteOptions, now)).toMatchObject({
      kind: 'mark',
      object: { status: { phase: 'Terminating' } },
    });
  });
});

describe('addresses', () => {
  test('ranges', () => {
    const range = parseIpRange('10.96.0.0/16')!;
    expect([firstIp(range), staticBand(range)]).toEqual(['10.96.0.1', 256]);
    expect(ipInRange(range, parseIp('10.96.255.254')!)).toBe(true);
    for (const outside of ['10.96.0.0', '10.96.255.255', '10.97.0.1'])
      expect(ipInRange(range, parseIp(outside)!)).toBe(false);
    for (const bad of ['10.96.0.0', '10.96.0.1/16', '10.96.0.0/31', 'x/16', '300.0.0.0/8', '::/64']) {
      expect(parseIpRange(bad)).toBeNull();
    }
    expect(ipText(parseIp('192.168.1.255')!)).toBe('192.168.1.255');
  });

  test('the last free one is found, and none where none is', () => {
    const used = new Set([1, 2, 3, 4, 5, 7, 8, 9]);
    const bands = [
      { first: 5, last: 9 },
      { first: 1, last: 4 },
    ];
    expect(
      chooseFree(
        bands,
        (value) => used.has(value),
        () => 0,
      ),
    ).toBe(6);
    used.add(6).delete(2);
    expect(
      chooseFree(
        bands,
        (value) => used.has(value),
        () => 0,
      ),
    ).toBe(2);
    used.add(2);
    expect(
      chooseFree(
        bands,
        (value) => used.has(value),
        () => 0,
      ),
    ).toBeNull();
  });
});

describe('what a request says', () => {
  test.each([
    ['/api/v1/pods', { namespace: '', name: '', subresource: '' }],
    ['/api/v1/namespaces/a/pods', { namespace: 'a', name: '', subresource: '' }],
    ['/api/v1/namespaces/a/pods/b/status', { namespace: 'a', name: 'b', subresource: 'status' }],
    ['/api/v1/namespaces/a', { namespace: '', name: 'a', subresource: '' }],
    ['/api/v1/namespaces/a/finalize', { namespace: '', name: 'a', subresource: 'finalize' }],
    ['/apis/apps/v1/namespaces/a/deployments/b/scale', { namespace: 'a', name: 'b', subresource: 'scale' }],
    ['/api/v1/nodes/n%2f1', { namespace: '', name: 'n/1', subresource: '' }],
  ])('%s is an object', (path, target) => {
    expect(parsePath(path)).toMatchObject({ kind: 'object', target });
  });

  test.each([
    '/',
    '/api/v1',
    '/api/v1/foos',
    '/api/v1/pods/b',
    '/api/v1/namespaces/a/nodes',
    '/api/v1/namespaces/a/pods/b/nothing',
    '/api/v1/namespaces/a/pods/b/status/c',
    '/apis/apps/v2/deployments',
  ])('%s is none', (path) => {
    expect(parsePath(path)).toEqual({ kind: 'other', path });
  });

  test('the first representation that we have is given', () => {
    const kubectl =
      'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';
    expect(negotiate(kubectl, ['', 'Table'])).toMatchObject({ as: 'Table' });
    expect(negotiate(kubectl, [''])).toMatchObject({ as: '', format: 'json' });
    expect(negotiate('application/json;q=0.1, application/yaml', [''])).toMatchObject({ format: 'yaml' });
    expect(negotiate('', [''])).toMatchObject({ format: 'json' });
    expect(() => negotiate('text/html', [''])).toThrow(/only the following media types/);
  });

  test('a continuation is read as it was made, and nothing else is', () => {
    const token = { revision: 7, startKey: 'default/a\0' };
    expect(decodeContinue(encodeContinue(token))).toEqual(token);
    const forged = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const bad of [
      '',
      'x',
      forged({}),
      forged({ v: 'meta.k8s.io/v1', rv: -1, start: 'a' }),
      forged(null),
    ]) {
      expect(decodeContinue(bad)).toBeNull();
    }
  });
});

describe('keys', () => {
  test('lie where ARCHITECTURE.md says', () => {
    expect(objectKey('/registry', { group: '', plural: 'pods', namespaced: true }, 'a', 'b')).toBe(
      '/registry/pods/a/b',
    );
    expect(objectKey('/registry', { group: '', plural: 'nodes', namespaced: false }, '', 'n')).toBe(
      '/registry/nodes/n',
    );
    expect(resourcePrefix('/registry', { group: 'discovery.k8s.io', plural: 'endpointslices' })).toBe(
      '/registry/endpointslices/',
    );
    expect(resourcePrefix('/registry', { group: 'example.com', plural: 'things' })).toBe(
      '/registry/example.com/things/',
    );
    expect(prefixEnd('/registry/pods/')).toBe('/registry/pods0');
  });
});

describe('BeatHub', () => {
  const beat = (sequence: number): Parameters<BeatHub['publish']>[0] => ({
    node: 'n',
    bootId: 'b',
    sequence: String(sequence),
    intervalMs: 500,
    load: null,
  });

  test('a watcher without room gets the newest beats when there is room again', () => {
    const hub = new BeatHub();
    const seen: string[] = [];
    let room = false;
    const watcher = hub.watch(({ sequence }) => {
      seen.push(sequence);
      return room;
    })!;
    for (let sequence = 1; sequence <= limits.beatQueue + 11; sequence += 1) hub.publish(beat(sequence));
    expect(seen).toEqual(['1']);
    room = true;
    watcher.resume();
    expect([seen.length, seen[1], seen.at(-1)]).toEqual([
      limits.beatQueue + 1,
      '12',
      String(limits.beatQueue + 11),
    ]);
    watcher.close();
    expect(hub.watchers).toBe(0);
  });

  test('no more than so many watch', () => {
    const hub = new BeatHub();
    for (let n = 0; n < limits.beatWatchers; n += 1) expect(hub.watch(() => true)).not.toBeNull();
    expect(hub.watch(() => true)).toBeNull();
  });
});
