import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueCertificate } from '@raftsman/pki';
import { anyStore, startTestBed, type TestBed } from './harness.js';
import { configMap, maps, restClient } from './rest-client.js';

describe('REST: who may', () => {
  let bed: TestBed;
  const { send, admin } = restClient(() => bed);

  beforeAll(async () => {
    bed = await startTestBed(anyStore);
  });
  afterAll(async () => bed.stop());

  test('anybody reads health and version, and nothing else', async () => {
    for (const path of ['/healthz', '/livez', '/readyz', '/readyz?verbose', '/version']) {
      expect({ path, code: (await send(null, 'GET', path)).code }).toEqual({ path, code: 200 });
    }
    for (const path of ['/api', '/apis', '/openapi/v3', '/api/v1/pods', maps]) {
      const { code, json } = await send(null, 'GET', path);
      expect({ path, code, reason: json['reason'] }).toEqual({ path, code: 401, reason: 'Unauthorized' });
    }
  });

  test('a certificate of another authority, or one that has expired, is answered 401', async () => {
    expect((await send('stranger', 'GET', maps)).json).toMatchObject({ kind: 'Status', code: 401 });
    const { folder } = bed.pki;
    const authority = {
      certPem: readFileSync(folder.certFile('ca'), 'utf8'),
      keyPem: readFileSync(folder.keyFile('ca'), 'utf8'),
    };
    const asked = {
      commonName: 'admin',
      organizations: ['system:masters'],
      usages: ['client'] as const,
    };
    const expired = await issueCertificate(authority, { ...asked, days: -1 });
    writeFileSync(folder.certFile('expired'), expired.certPem);
    writeFileSync(folder.keyFile('expired'), expired.keyPem);
    expect((await send('expired', 'GET', maps)).json).toMatchObject({ kind: 'Status', code: 401 });
  });

  test('who speaks for somebody else has the rights of that one, and needs the right to', async () => {
    const who = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const as = (user: string, ...groups: string[]): Record<string, string> => ({
      'impersonate-user': user,
      ...(groups.length === 0 ? {} : { 'impersonate-group': groups.join(', ') }),
    });
    expect((await admin('POST', who, {}, as('jane', 'dev'))).json).toMatchObject({
      status: { userInfo: { username: 'jane', groups: ['dev', 'system:authenticated'] } },
    });
    expect((await admin('POST', who, {}, as('system:serviceaccount:web:hello'))).json).toMatchObject({
      status: { userInfo: { groups: expect.arrayContaining(['system:serviceaccounts:web']) as unknown } },
    });
    expect((await admin('DELETE', `${maps}/any`, undefined, as('jane'))).json).toMatchObject({
      code: 403,
      message: expect.stringContaining('User "jane" cannot delete resource "configmaps"') as unknown,
    });
    expect((await send('node-1', 'GET', maps, undefined, as('admin', 'system:masters'))).json).toMatchObject({
      code: 403,
      message: expect.stringContaining('User "system:node:node-1" cannot impersonate') as unknown,
    });
    const incomplete: Record<string, string>[] = [
      { 'impersonate-group': 'dev' },
      { ...as('jane'), 'impersonate-extra-a': 'b' },
    ];
    for (const headers of incomplete) {
      expect((await admin('GET', maps, undefined, headers)).code).toBe(400);
    }
  });

  test('a node reads the ConfigMaps and Secrets of its own pods, and lists its own pods', async () => {
    const namespace = '/api/v1/namespaces/default';
    for (const name of ['needed', 'foreign']) {
      await admin('POST', `${namespace}/secrets`, { apiVersion: 'v1', kind: 'Secret', metadata: { name } });
    }
    await admin('POST', maps, configMap('needed'));
    const envFrom = [{ secretRef: { name: 'needed' } }, { configMapRef: { name: 'needed' } }];
    await admin('POST', `${namespace}/pods`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'reader' },
      spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'a', envFrom }] },
    });
    const code = async (user: string, path: string): Promise<number> => (await send(user, 'GET', path)).code;
    expect(await code('node-1', `${namespace}/secrets/needed`)).toBe(200);
    expect(await code('node-1', `${maps}/needed`)).toBe(200);
    expect(await code('node-1', `${namespace}/secrets?fieldSelector=metadata.name%3Dneeded`)).toBe(200);
    for (const path of ['/secrets/foreign', '/secrets/none', '/secrets', '/secrets?watch=1', '/configmaps']) {
      expect({ path, code: await code('node-1', namespace + path) }).toEqual({ path, code: 403 });
    }
    expect(await code('node-1', '/api/v1/secrets?fieldSelector=metadata.name%3Dneeded')).toBe(403);
    expect(await code('node-2', `${namespace}/secrets/needed`)).toBe(403);
    expect(await code('node-1', '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1')).toBe(200);
    expect(await code('node-2', '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1')).toBe(403);
    expect(await code('node-2', '/api/v1/pods')).toBe(403);
  });

  test('a node labels itself, but not with what marks trusted nodes', async () => {
    const node = (name: string, labels: object): object => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels },
    });
    const master = 'node-role.kubernetes.io/control-plane';
    const hostname = { 'kubernetes.io/hostname': 'node-2', 'node.kubernetes.io/rack': 'a', disk: 'ssd' };
    const refused = await send('node-2', 'POST', '/api/v1/nodes', node('node-2', { [master]: '' }));
    expect(refused.json).toMatchObject({
      code: 403,
      message: expect.stringContaining(`not allowed to set labels: ${master}`) as unknown,
    });
    expect((await send('node-2', 'POST', '/api/v1/nodes', node('node-2', hostname))).code).toBe(201);
    const patch = (user: string, labels: object): Promise<{ readonly code: number }> =>
      send(
        user,
        'PATCH',
        '/api/v1/nodes/node-2',
        { metadata: { labels } },
        {
          'content-type': 'application/merge-patch+json',
        },
      );
    expect((await patch('node-2', { [master]: '' })).code).toBe(403);
    expect((await patch('admin', { [master]: '' })).code).toBe(200);
    expect((await patch('node-2', { [master]: null })).code).toBe(403);
    expect((await patch('node-2', { disk: null, 'kubernetes.io/arch': 'arm64' })).code).toBe(200);
    expect((await admin('DELETE', '/api/v1/nodes/node-2')).code).toBe(200);
  });

  test('one asks what one may do, and who one is', async () => {
    const review = (attributes: object): object => ({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: attributes },
    });
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const asked = { verb: 'create', resource: 'pods', namespace: 'default' };
    expect((await admin('POST', path, review(asked))).json).toMatchObject({ status: { allowed: true } });
    expect((await send('nobody', 'POST', path, review(asked))).json).toMatchObject({
      status: { allowed: false },
    });
    const me = await send('node-1', 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
    expect(me.json).toMatchObject({ status: { userInfo: { username: 'system:node:node-1' } } });
  });
});
