import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '@raftsman/api';
import { openPkiFolder, type PkiFolder } from '@raftsman/pki';
import { createLogger } from '@raftsman/telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PodManager } from '../src/pods/pod-manager.js';
import { StatusWriter } from '../src/pods/status-writer.js';
import { ProcessRuntime } from '../src/runtime/process/process-runtime.js';
import { createAgentServer, type AgentServer } from '../src/server/server.js';
import { FakeApi } from './fake-api.js';
import { eventually } from './support.js';

const logger = createLogger({ component: 'test', level: 'silent' });

let rootDir: string;
let pki: PkiFolder;
let api: FakeApi;
let runtime: ProcessRuntime;
let pods: PodManager;
let server: AgentServer;
let port: number;

beforeAll(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'raftsman-server-'));
  pki = openPkiFolder(join(rootDir, 'pki'));
  const ca = await pki.authority('ca', 'test-ca');
  await pki.certificate('server', ca, { commonName: 'node', ipAddresses: ['127.0.0.1'], usages: ['server'] });
  await pki.certificate('admin', ca, {
    commonName: 'admin',
    organizations: ['system:masters'],
    usages: ['client'],
  });
  await pki.certificate('other', ca, {
    commonName: 'system:node:n2',
    organizations: ['system:nodes'],
    usages: ['client'],
  });
  api = new FakeApi();
  runtime = await ProcessRuntime.open({ rootDir: join(rootDir, 'process'), version: 'test', logger });
  await runtime.updateRuntimeConfig({ podCidr: '127.77.3.0/24' });
  pods = new PodManager({
    runtime,
    sink: api,
    objects: api,
    events: api,
    statuses: new StatusWriter(api, logger),
    logger,
    rootDir,
    nodeName: 'n1',
    hostIp: '127.0.0.1',
    allocatable: {},
    now: Date.now,
  });
  api.subscribe(pods);
  const files = {
    certFile: pki.certFile('server'),
    keyFile: pki.keyFile('server'),
    clientCaFile: pki.certFile('ca'),
  };
  server = createAgentServer({ ...files, pods, runtime, logger });
  port = await server.listen('127.0.0.1', 0);
});
afterAll(async () => {
  await server.close();
  await pods.close();
  await runtime.close();
  await rm(rootDir, { recursive: true, force: true });
});

const identity = async (name: string | null): Promise<RequestOptions> => ({
  ca: await readFile(pki.certFile('ca')),
  ...(name === null
    ? {}
    : { cert: await readFile(pki.certFile(name)), key: await readFile(pki.keyFile(name)) }),
});

interface Answer {
  readonly status: number;
  readonly body: () => string;
  readonly ended: Promise<void>;
  readonly abort: () => void;
}

async function get(path: string, who: string | null = 'admin', method = 'GET'): Promise<Answer> {
  const options = { host: '127.0.0.1', port, path, method, agent: false as const, ...(await identity(who)) };
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      const ended = new Promise<void>((done) => response.once('close', () => done()));
      resolve({ status: response.statusCode ?? 0, body: () => body, ended, abort: () => sent.destroy() });
    });
    sent.on('error', reject);
    sent.end();
  });
}
const text = async (path: string, who?: string): Promise<[number, string]> => {
  const answer = await get(path, who);
  await answer.ended;
  return [answer.status, answer.body()];
};
const put = (name: string, script: string): void => {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: {
      containers: [{ name: 'main', command: ['/bin/sh', '-c', script] }],
      terminationGracePeriodSeconds: 1,
    },
  };
  api.put(pod);
};

describe("the agent's HTTPS", () => {
  it('lets the administrator in, nobody else, and survives garbage', async () => {
    expect(await text('/healthz')).toEqual([200, 'ok']);
    expect((await text('/healthz', 'other'))[0]).toBe(403);
    await expect(get('/healthz', null)).rejects.toThrow(/certificate required|ECONNRESET|socket hang up/i);
    await new Promise<void>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port }, () => socket.write('GET / HTTP/1.1\r\n\r\n'));
      socket.on('error', () => undefined);
      socket.once('close', () => resolve());
    });
    expect((await text('/nothing'))[0]).toBe(404);
    expect((await text('//'))[0]).toBe(404);
    expect((await text('/containerLogs/%zz/a/b'))[0]).toBe(400);
    const post = await get('/healthz', 'admin', 'POST');
    expect(post.status).toBe(405);
    post.abort();
  });

  it('serves the log of a container, of its run before, and of none', async () => {
    put('crash', 'echo run; exit 1');
    await eventually(() => expect(api.status('uid-crash').containerStatuses?.[0]?.restartCount).toBe(1));
    await eventually(async () =>
      expect(await text('/containerLogs/default/crash/main?previous=true')).toEqual([200, 'run\n']),
    );
    // The second run may have said nothing yet.
    await eventually(async () =>
      expect(await text('/containerLogs/default/crash/main?tailLines=1')).toEqual([200, 'run\n']),
    );
    expect(await text('/containerLogs/default/none/main')).toEqual([
      404,
      'pod "none" not found on this node\n',
    ]);
    expect((await text('/containerLogs/default/crash/other'))[1]).toBe(
      'container other is not valid for pod crash\n',
    );
    expect((await text('/containerLogs/default/crash/main?tailLines=x'))[0]).toBe(400);
    const list = JSON.parse((await text('/pods'))[1]) as { items: Pod[] };
    expect(list.items.map(({ metadata }) => metadata.name)).toContain('crash');
  });

  it('streams while the container runs, and ends with it or with the reader', async () => {
    const flag = join(rootDir, 'go-on');
    put('talk', `echo one; while [ ! -e ${flag} ]; do sleep 0.05; done; echo two`);
    await eventually(() =>
      expect(api.status('uid-talk').containerStatuses?.[0]?.state?.running).toBeDefined(),
    );
    const following = await get('/containerLogs/default/talk/main?follow=true');
    const leaving = await get('/containerLogs/default/talk/main?follow=true');
    await eventually(() => expect([following.body(), leaving.body()]).toEqual(['one\n', 'one\n']));
    leaving.abort();
    const { writeFile } = await import('node:fs/promises');
    await writeFile(flag, '');
    await following.ended;
    expect(following.body()).toBe('one\ntwo\n');
  });
});
