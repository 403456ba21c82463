import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyStore, eventually, startTestBed, type TestBed } from './harness.js';
import { configMap, maps, restClient, type Answer } from './rest-client.js';

describe('REST', () => {
  let bed: TestBed;
  const { admin } = restClient(() => bed);

  beforeAll(async () => {
    bed = await startTestBed(anyStore);
  });
  afterAll(async () => bed.stop());

  describe('what is asked for', () => {
    test.each([
      ['GET', '/nothing', 404, 'NotFound'],
      ['GET', '/api/v1/foos', 404, 'NotFound'],
      ['GET', '/apis/apps/v9/deployments', 404, 'NotFound'],
      ['GET', '/api/v1/namespaces/default/configmaps/none', 404, 'NotFound'],
      ['PUT', maps, 405, 'MethodNotAllowed'],
      ['POST', `${maps}/a`, 405, 'MethodNotAllowed'],
      ['GET', `${maps}?labelSelector=%3D%3D`, 400, 'BadRequest'],
      ['GET', `${maps}?fieldSelector=nope%3D1`, 400, 'BadRequest'],
      ['GET', `${maps}?resourceVersion=abc`, 400, 'BadRequest'],
      ['GET', `${maps}?limit=-1`, 400, 'BadRequest'],
      ['GET', `${maps}?continue=xyz`, 400, 'BadRequest'],
      ['GET', `${maps}?resourceVersion=999999999999`, 504, 'Timeout'],
      ['GET', `${maps}/%ZZ`, 400, 'BadRequest'],
    ])('%s %s is answered %d', async (method, path, code, reason) => {
      const answer = await admin(method, path, method === 'GET' ? undefined : configMap('a'));
      expect(answer.json).toMatchObject({ kind: 'Status', status: 'Failure', code, reason });
      expect(answer.code).toBe(code);
    });

    test('bodies of no known type, and answers of none', async () => {
      const text = await admin('POST', maps, 'x', { 'content-type': 'text/plain' });
      expect(text.json).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
      const onlyProtobuf = await admin('GET', maps, undefined, {
        accept: 'application/vnd.kubernetes.protobuf',
      });
      expect(onlyProtobuf.json).toMatchObject({ code: 406, reason: 'NotAcceptable' });
      const either = await admin('GET', maps, undefined, {
        accept: 'application/vnd.kubernetes.protobuf,application/json',
      });
      expect(either.headers['content-type']).toBe('application/json');
      const yaml = await admin(
        'POST',
        maps,
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-yaml}\n',
        {
          'content-type': 'application/yaml',
          accept: 'application/yaml',
        },
      );
      expect([yaml.code, yaml.text]).toEqual([201, expect.stringContaining('name: from-yaml\n')]);
    });

    test('unknown fields are told of, refused or passed over, as asked', async () => {
      const odd = { ...configMap('odd'), colour: 'blue' };
      const warned = await admin('POST', `${maps}?dryRun=All`, odd);
      expect([warned.code, warned.headers['warning']]).toEqual([201, '299 - "unknown field \\"colour\\""']);
      expect((await admin('POST', `${maps}?fieldValidation=Strict`, odd)).code).toBe(400);
      const ignored = await admin('POST', `${maps}?dryRun=All&fieldValidation=Ignore`, odd);
      expect([ignored.code, ignored.headers['warning']]).toEqual([201, undefined]);
      expect((await admin('GET', `${maps}/odd`)).code).toBe(404);
    });

    test('large answers are packed', async () => {
      await admin('POST', maps, { ...configMap('large'), data: { a: 'x'.repeat(300_000) } });
      const packed = await admin('GET', `${maps}/large`, undefined, { 'accept-encoding': 'gzip' });
      expect(packed.headers['content-encoding']).toBe('gzip');
      expect(Number(packed.headers['content-length'])).toBeLessThan(20_000);
    });

    test('generateName makes names', async () => {
      const named = await Promise.all(
        [1, 2, 3].map(() =>
          admin('POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } }),
        ),
      );
      const names = new Set(named.map(({ json }) => (json['metadata'] as { name: string }).name));
      expect(names.size).toBe(3);
      for (const name of names) expect(name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    });

    test('preconditions of a deletion count', async () => {
      await admin('POST', maps, configMap('guarded'));
      const wrong = await admin('DELETE', `${maps}/guarded`, { preconditions: { uid: 'other' } });
      expect(wrong.json).toMatchObject({ code: 409, reason: 'Conflict' });
      expect((await admin('DELETE', `${maps}/guarded`, { preconditions: {} })).json).toMatchObject({
        status: 'Success',
      });
    });

    test('finalizers keep an object until they are gone', async () => {
      await admin('POST', maps, configMap('kept', { finalizers: ['example.com/hold'] }));
      const marked = await admin('DELETE', `${maps}/kept`);
      expect(marked.json).toMatchObject({ metadata: { deletionTimestamp: expect.any(String) as string } });
      const merge = { 'content-type': 'application/merge-patch+json' };
      await admin('PATCH', `${maps}/kept`, { metadata: { finalizers: null } }, merge);
      expect((await admin('GET', `${maps}/kept`)).code).toBe(404);
    });
  });

  describe('watches', () => {
    const watch = (query: string, until: (text: string) => boolean): Promise<Answer> =>
      admin('GET', `${maps}?watch=true&${query}`, undefined, {}, (text, stop) => {
        if (until(text)) stop();
      });
    const types = ({ text }: Answer): string[] =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { type: string }).type);

    test('start with what is there, or after a revision', async () => {
      await admin('POST', maps, configMap('seen', { labels: { w: '1' } }));
      const fromNow = await watch('labelSelector=w%3D1', (text) => text.includes('"seen"'));
      expect(types(fromNow)).toEqual(['ADDED']);
      const { json } = await admin('GET', maps);
      const { resourceVersion } = json['metadata'] as { resourceVersion: string };
      const later = watch(`labelSelector=w%3D1&resourceVersion=${resourceVersion}`, (text) =>
        text.includes('DELETED'),
      );
      await admin('DELETE', `${maps}/seen`);
      expect(types(await later)).toEqual(['DELETED']);
    });

    test('end when their time is up, and say so where the past is gone', async () => {
      const short = await watch('timeoutSeconds=1&resourceVersion=0', () => false);
      expect(short.code).toBe(200);
      const old = await watch('resourceVersion=1', () => false);
      expect(old.json).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    });

    test('can list and mark where the list ends', async () => {
      const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
      const listed = await watch(query, (text) => text.includes('initial-events-end'));
      expect(types(listed).at(-1)).toBe('BOOKMARK');
    });

    test('of many, each sees all events in order', async () => {
      const { json } = await admin('GET', maps);
      const { resourceVersion } = json['metadata'] as { resourceVersion: string };
      const count = 30;
      const watching = Array.from({ length: 20 }, () =>
        watch(
          `resourceVersion=${resourceVersion}&labelSelector=many`,
          (text) => text.split('\n').length > count,
        ),
      );
      await Promise.all(
        Array.from({ length: count }, (_, n) =>
          admin('POST', maps, configMap(`many-${n}`, { labels: { many: '1' } })),
        ),
      );
      const texts = (await Promise.all(watching)).map(({ text }) => text);
      expect(new Set(texts).size).toBe(1);
      await admin('DELETE', `${maps}?labelSelector=many`);
    });
  });

  test('many services made at once get different addresses and ports', async () => {
    const path = '/api/v1/namespaces/default/services';
    const service = (n: number): object => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `many-${n}` },
      spec: { type: 'NodePort', ports: [{ port: 80 }] },
    });
    const made = await Promise.all(Array.from({ length: 40 }, (_, n) => admin('POST', path, service(n))));
    const specs = made.map(
      ({ json }) => json['spec'] as { clusterIP: string; ports: { nodePort: number }[] },
    );
    expect(new Set(specs.map(({ clusterIP }) => clusterIP)).size).toBe(40);
    expect(new Set(specs.map(({ ports }) => ports[0]!.nodePort)).size).toBe(40);
  });

  test('garbage on the port closes the connection and harms nobody', async () => {
    const port = Number(bed.api.url.split(':').at(-1));
    const closed = (write: (done: () => void) => void): Promise<void> =>
      new Promise((resolve) => write(resolve));
    await closed((done) => {
      const socket = connectPlain(port, '127.0.0.1', () => socket.write('\0\x01garbage\r\n\r\n'));
      socket.on('error', () => undefined);
      socket.once('close', () => done());
    });
    for (const protocol of ['h2', 'http/1.1']) {
      await closed((done) => {
        const options = {
          host: '127.0.0.1',
          port,
          ca: readFileSync(bed.pki.folder.certFile('ca')),
          ALPNProtocols: [protocol],
        };
        const socket = connectTls(options, () => socket.write('\xff\xfe not a request \r\n\r\n'));
        socket.on('error', () => undefined);
        socket.resume();
        socket.once('close', () => done());
      });
    }
    expect((await admin('GET', '/readyz')).text).toBe('ok');
  });

  test('logs are passed through from the agent of the pod’s node', async () => {
    const { folder } = bed.pki;
    const asked: string[] = [];
    const agent = createTlsServer(
      {
        cert: readFileSync(folder.certFile('server')),
        key: readFileSync(folder.keyFile('server')),
        ca: readFileSync(folder.certFile('ca')),
        requestCert: true,
      },
      (incoming, response) => {
        asked.push(incoming.url!);
        response.end('line 1\nline 2\n');
      },
    );
    const port = await new Promise<number>((resolve) => {
      agent.listen(0, '127.0.0.1', () => resolve((agent.address() as { port: number }).port));
    });
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'logger' } };
    await admin('POST', '/api/v1/nodes', node);
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    };
    const merge = { 'content-type': 'application/merge-patch+json' };
    await admin('PATCH', '/api/v1/nodes/logger/status', { status }, merge);
    const spec = { nodeName: 'logger', containers: [{ name: 'main', image: 'a' }] };
    await admin('POST', '/api/v1/namespaces/default/pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'talk' },
      spec,
    });
    const log = '/api/v1/namespaces/default/pods/talk/log';
    expect(await admin('GET', `${log}?tailLines=5&follow=true`)).toMatchObject({
      code: 200,
      text: 'line 1\nline 2\n',
    });
    expect(asked).toEqual(['/containerLogs/default/talk/main?follow=true&tailLines=5']);
    expect((await admin('GET', `${log}?container=other`)).json).toMatchObject({ code: 400 });
    await new Promise((resolve) => agent.close(resolve));
    await eventually(async () => (await admin('GET', log)).code === 500);
  });
});
