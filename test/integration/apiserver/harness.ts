import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  apiserverConfig,
  startApiserver,
  addApiserverFlags,
  type RunningApiserver,
} from '@raftsman/apiserver';
import { openPkiFolder, type PkiFolder } from '@raftsman/pki';
import { createLogger } from '@raftsman/telemetry';
import { Command } from 'commander';
import { freePort } from '../../support/ports.js';

/** Waits until `condition` answers something; fails after `deadlineMs` with what it failed with last. */
export async function eventually<T>(
  condition: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  deadlineMs = 30_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  let last: unknown = new Error('the condition never held');
  while (Date.now() < end) {
    try {
      const value = await condition();
      if (value !== null && value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    await pause(20);
  }
  throw last;
}

/** Whose store: Debian's etcd, or ours as the compiler made it. */
export type StoreKind = 'etcd' | 'raftsman';

export interface TestStore {
  /** host:port of each member. */
  readonly addresses: readonly string[];
  readonly processes: readonly ChildProcess[];
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const ourStore = join(root, 'services/store/test/store-main.mjs');

/** Why a store cannot be started here; null: it can. */
export function storeMissing(kind: StoreKind): string | null {
  if (kind === 'raftsman') return null;
  const found = ['/usr/bin/etcd', '/usr/local/bin/etcd'].some((each) => existsSync(each));
  if (found) return null;
  process.stderr.write("SKIPPED: tests on a real etcd need Debian's etcd-server\n");
  return 'etcd is not installed';
}

/** So many members on free ports of loopback, in a folder of their own; they may still be electing. */
export async function startStore(kind: StoreKind, members = 1): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), `raftsman-test-${kind}-`));
  if (kind === 'raftsman') {
    const tsc = join(root, 'node_modules/.bin/tsc');
    await promisify(execFile)(tsc, ['-b', 'services/store'], { cwd: root });
  }
  const ports = await Promise.all(
    Array.from({ length: members }, async () => ({ client: await freePort(), peer: await freePort() })),
  );
  const cluster = ports.map(({ peer }, at) => `m${at}=http://127.0.0.1:${peer}`).join(',');
  const [program, first] =
    kind === 'etcd' ? (['etcd', []] as const) : ([process.execPath, [ourStore]] as const);
  const processes = ports.map(({ client, peer }, at) => {
    const flags = {
      '--name': `m${at}`,
      '--data-dir': join(folder, `m${at}`),
      '--log-level': 'error',
      '--listen-client-urls': `http://127.0.0.1:${client}`,
      '--advertise-client-urls': `http://127.0.0.1:${client}`,
      '--listen-peer-urls': `http://127.0.0.1:${peer}`,
      '--initial-advertise-peer-urls': `http://127.0.0.1:${peer}`,
      '--initial-cluster': cluster,
    };
    return spawn(program, [...first, ...Object.entries(flags).flat()], { stdio: 'ignore' });
  });
  return {
    addresses: ports.map(({ client }) => `127.0.0.1:${client}`),
    processes,
    stop: async () => {
      await Promise.all(processes.map(stopProcess));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

export interface TestApiserver {
  readonly running: RunningApiserver;
  readonly url: string;
  readonly grpcAddress: string;
}

export interface TestPki {
  readonly folder: PkiFolder;
  readonly stop: () => void;
}

const users: readonly (readonly [file: string, commonName: string, organizations: readonly string[]])[] = [
  ['admin', 'admin', ['system:masters']],
  ['nobody', 'eve', []],
  ['node-1', 'system:node:node-1', ['system:nodes']],
  ['node-2', 'system:node:node-2', ['system:nodes']],
  ['controllers', 'system:kube-controller-manager', []],
  ['scheduler', 'system:kube-scheduler', []],
  ['apiserver-client', 'system:kube-apiserver', ['system:masters']],
];

/** Authorities, a server's certificate for 127.0.0.1 and one for each kind of user. */
export async function createTestPki(): Promise<TestPki> {
  const path = mkdtempSync(join(tmpdir(), 'raftsman-pki-'));
  const folder = openPkiFolder(path);
  const ca = await folder.authority('ca', 'raftsman-ca');
  await folder.certificate('server', ca, {
    commonName: 'kube-apiserver',
    dnsNames: ['localhost', 'kubernetes.default.svc'],
    ipAddresses: ['127.0.0.1'],
    usages: ['server'],
  });
  for (const [file, commonName, organizations] of users) {
    await folder.certificate(file, ca, { commonName, organizations, usages: ['client'] });
  }
  const stranger = await folder.authority('stranger-ca', 'somebody-else');
  await folder.certificate('stranger', stranger, {
    commonName: 'admin',
    organizations: ['system:masters'],
    usages: ['client'],
  });
  return { folder, stop: () => rmSync(path, { recursive: true, force: true }) };
}

export async function startTestApiserver(
  pki: TestPki,
  etcdServers: readonly string[],
  more: readonly string[] = [],
): Promise<TestApiserver> {
  const { folder } = pki;
  const command = addApiserverFlags(new Command()).exitOverride();
  command.parse(
    [
      '--etcd-servers',
      etcdServers.map((each) => `http://${each}`).join(','),
      '--bind-address',
      '127.0.0.1',
      '--secure-port',
      '0',
      '--grpc-port',
      '0',
      '--tls-cert-file',
      folder.certFile('server'),
      '--tls-private-key-file',
      folder.keyFile('server'),
      '--client-ca-file',
      folder.certFile('ca'),
      '--kubelet-client-certificate',
      folder.certFile('apiserver-client'),
      '--kubelet-client-key',
      folder.keyFile('apiserver-client'),
      '--kubelet-certificate-authority',
      folder.certFile('ca'),
      ...more,
    ],
    { from: 'user' },
  );
  const config = apiserverConfig(command.opts());
  const level = process.env['RAFTSMAN_TEST_LOG'] === '1' ? 'debug' : 'silent';
  const running = await startApiserver(config, createLogger({ component: 'apiserver', level }));
  await running.ready;
  return {
    running,
    url: `https://127.0.0.1:${running.securePort}`,
    grpcAddress: `127.0.0.1:${running.grpcPort}`,
  };
}

/** A kubeconfig for one of the users of `createTestPki`; null: no certificate at all. */
export function writeKubeconfig(pki: TestPki, url: string, user: string | null): string {
  const { folder } = pki;
  const path = join(folder.path, `${user ?? 'anonymous'}-${url.split(':').at(-1)!}.kubeconfig`);
  // Once: a kubectl that starts may be reading it.
  if (existsSync(path)) return path;
  const credentials =
    user === null ? {} : { 'client-certificate': folder.certFile(user), 'client-key': folder.keyFile(user) };
  writeFileSync(
    path,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': folder.certFile('ca') } }],
      users: [{ name: 'me', user: credentials }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'me' } }],
      'current-context': 'test',
    }),
  );
  return path;
}

/** A whole apiserver on a store of its own, for one test file. */
export interface TestBed {
  readonly pki: TestPki;
  readonly store: TestStore;
  readonly api: TestApiserver;
  kubeconfig(user: string | null): string;
  stop(): Promise<void>;
}

export async function startTestBed(kind: StoreKind, more: readonly string[] = []): Promise<TestBed> {
  const store = await startStore(kind);
  const pki = await createTestPki();
  const api = await startTestApiserver(pki, store.addresses, more);
  return {
    pki,
    store,
    api,
    kubeconfig: (user) => writeKubeconfig(pki, api.url, user),
    stop: async () => {
      await api.running.close();
      await store.stop();
      pki.stop();
    },
  };
}

/** Debian's etcd where there is one. */
export const anyStore: StoreKind = storeMissing('etcd') === null ? 'etcd' : 'raftsman';
