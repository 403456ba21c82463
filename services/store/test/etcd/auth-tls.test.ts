import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import { createAuthority, issueCertificate } from '@raftsman/pki';
import { createLogger } from '@raftsman/telemetry';
import { clientCredentials, loadService, type TlsFiles } from '@raftsman/wire';
import { describe, expect, onTestFinished, test } from 'vitest';
import { storeConfig, type StoreFlags } from '../../src/config.js';
import { run } from '../../src/run.js';
import { freePorts } from '../../../../test/support/ports.js';
import { temporaryDirectory } from '../replica-fixture.js';

type Unary = (
  request: object,
  metadata: Metadata,
  options: { readonly deadline: number },
  done: (error: ServiceError | null, answer?: object) => void,
) => void;

async function certificate(
  directory: string,
  authority: Awaited<ReturnType<typeof createAuthority>>,
  commonName: string,
  fileName = commonName,
): Promise<TlsFiles> {
  const pair = await issueCertificate(authority, {
    commonName,
    ipAddresses: ['127.0.0.1'],
    usages: ['server', 'client'],
  });
  const write = async (name: string, pem: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, pem);
    return path;
  };
  return {
    certFile: await write(`${fileName}.crt`, pair.certPem),
    keyFile: await write(`${fileName}.key`, pair.keyPem),
    caFile: await write('ca.crt', authority.certPem),
  };
}

/** Members as processes would run them, whose clients show certificates; `as` asks the first. */
async function serve(clientCertAuth: boolean, size = 1) {
  const directory = await temporaryDirectory();
  const authority = await createAuthority('etcd-ca');
  const own = await certificate(directory, authority, 'store');
  const clients = await freePorts(size);
  const peers = (await freePorts(size)).map((port) => `http://127.0.0.1:${port}`);
  const initialCluster = peers.map((url, at) => `m${at}=${url}`).join(',');
  for (const [at, peerUrl] of peers.entries())
    start({
      name: `m${at}`,
      dataDir: join(directory, `m${at}`),
      listenClientUrls: `https://127.0.0.1:${clients[at]}`,
      advertiseClientUrls: `https://127.0.0.1:${clients[at]}`,
      listenPeerUrls: peerUrl,
      initialAdvertisePeerUrls: peerUrl,
      initialCluster,
      certFile: own.certFile,
      keyFile: own.keyFile,
      trustedCaFile: own.caFile,
      clientCertAuth,
    });
  const as = async (commonName: string, client = clients[0]!) => {
    const security = await certificate(directory, authority, commonName, `${commonName}-${client}`);
    const metadata = new Metadata({ waitForReady: true });
    const connect = <T>(service: string): T & { close(): void } =>
      new (loadService('etcd/rpc.proto', `etcdserverpb.${service}`))(
        `127.0.0.1:${client}`,
        clientCredentials(security),
      ) as unknown as T & { close(): void };
    /** The answer, or { details } of the refusal. */
    const ask = (service: string, method: string, request: object): Promise<Record<string, unknown>> => {
      const made = connect<Record<string, Unary>>(service);
      const call = made[method]!.bind(made);
      return new Promise((resolve) => {
        call(request, metadata, { deadline: Date.now() + 20_000 }, (error, answer) => {
          made.close();
          resolve((error ? { details: error.details } : answer) as Record<string, unknown>);
        });
      });
    };
    /** The time to live, or the refusal. */
    const renew = (ID: number): Promise<string> => {
      const made = connect<LeaseClient>('Lease');
      const stream = made.leaseKeepAlive(metadata, { deadline: Date.now() + 20_000 });
      return new Promise<string>((resolve) => {
        stream.on('data', ({ TTL }: { TTL: string }) => resolve(TTL));
        stream.on('error', ({ details }: ServiceError) => resolve(details));
        stream.write({ ID });
      }).finally(() => {
        stream.cancel();
        made.close();
      });
    };
    return { ask, metadata, renew };
  };
  return { as, clients };
}

type Given = Pick<StoreFlags, 'dataDir' | 'listenClientUrls' | 'name' | 'listenPeerUrls'>;

function start(flags: Given & Partial<StoreFlags> & Pick<StoreFlags, 'initialAdvertisePeerUrls'>): void {
  const config = storeConfig({
    initialClusterState: 'new',
    initialClusterToken: 'test',
    authToken: 'simple',
    heartbeatInterval: 100,
    electionTimeout: 1_000,
    snapshotCount: 10_000,
    snapshotCatchupEntries: 5_000,
    quotaBackendBytes: 0,
    maxRequestBytes: 1_572_864,
    maxTxnOps: 128,
    grpcKeepaliveInterval: 60_000,
    grpcKeepaliveTimeout: 60_000,
    watchProgressNotifyInterval: 600_000,
    autoCompactionMode: 'periodic',
    autoCompactionRetention: '0',
    experimentalCorruptCheckTime: 0,
    logLevel: 'error',
    ...flags,
  });
  const stop = new AbortController();
  const running = run(config, createLogger({ component: 'test', level: 'silent' }), stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
}

type Asking = Awaited<ReturnType<Awaited<ReturnType<typeof serve>>['as']>>;

async function enable({ ask }: Asking): Promise<void> {
  for (const [method, request] of [
    ['userAdd', { name: 'root', options: { noPassword: true } }],
    ['userAdd', { name: 'alice', password: 'pw' }],
    ['userGrantRole', { user: 'root', role: 'root' }],
    ['authEnable', {}],
  ] as const)
    expect({ method, ...(await ask('Auth', method, request)) }).not.toHaveProperty('details');
}

const read = async ({ ask }: Asking): Promise<unknown> =>
  (await ask('KV', 'range', { key: Buffer.from('k') }))['details'];

describe('a client certificate', () => {
  test('says who the user is when certificates are verified, unless a token does', async () => {
    const { as } = await serve(true);
    const [root, alice, stranger] = [await as('root'), await as('alice'), await as('stranger')];
    await enable(root);
    expect(await read(root)).toBeUndefined();
    expect(await read(alice)).toBe('etcdserver: permission denied');
    expect(await read(stranger)).toBe('etcdserver: permission denied');
    for (const [service, method] of [
      ['Lease', 'leaseGrant'],
      ['Lease', 'leaseLeases'],
      ['Cluster', 'memberList'],
      ['Maintenance', 'status'],
      ['Auth', 'userList'],
    ] as const)
      expect(await stranger.ask(service, method, {})).toEqual({ details: 'etcdserver: permission denied' });
    expect(await root.ask('Auth', 'userList', {})).toMatchObject({ users: ['alice', 'root'] });
    const { token } = await root.ask('Auth', 'authenticate', { name: 'alice', password: 'pw' });
    root.metadata.set('token', token as string);
    expect(await read(root)).toBe('etcdserver: permission denied');
    root.metadata.set('token', 'forged');
    expect(await read(root)).toBe('etcdserver: invalid auth token');
  });

  test('says so by way of every member, whichever leads', { timeout: 60_000 }, async () => {
    const { as, clients } = await serve(true, 3);
    await enable(await as('root'));
    const root = await Promise.all(clients.map((client) => as('root', client)));
    const alice = await Promise.all(clients.map((client) => as('alice', client)));
    await root[0]!.ask('Lease', 'leaseGrant', { ID: 7, TTL: 600 });
    await root[0]!.ask('KV', 'put', { key: Buffer.from('k'), lease: 7 });
    for (const at of clients.keys()) {
      expect(await root[at]!.renew(7)).toBe('600');
      expect(await alice[at]!.renew(7)).toBe('etcdserver: permission denied');
      expect(await alice[at]!.ask('Lease', 'leaseTimeToLive', { ID: 7, keys: true })).toEqual({
        details: 'etcdserver: permission denied',
      });
      expect(await alice[at]!.ask('Cluster', 'memberRemove', { ID: 9 })).toEqual({
        details: 'etcdserver: permission denied',
      });
      expect(await root[at]!.ask('Cluster', 'memberRemove', { ID: 9 })).toEqual({
        details: 'etcdserver: member not found',
      });
    }
  });

  test('says nothing when they are not', async () => {
    const { as } = await serve(false);
    const root = await as('root');
    await enable(root);
    expect(await read(root)).toBe('etcdserver: user name is empty');
  });
});
