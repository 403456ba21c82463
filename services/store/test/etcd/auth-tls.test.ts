import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { createAuthority, issueCertificate } from '@raftsman/pki';
import { createLogger } from '@raftsman/telemetry';
import { clientCredentials, loadService, type TlsFiles } from '@raftsman/wire';
import { describe, expect, onTestFinished, test } from 'vitest';
import { storeConfig } from '../../src/config.js';
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
    certFile: await write(`${commonName}.crt`, pair.certPem),
    keyFile: await write(`${commonName}.key`, pair.keyPem),
    caFile: await write('ca.crt', authority.certPem),
  };
}

/** A member as a process would run it, whose clients show certificates. */
async function serve(clientCertAuth: boolean) {
  const directory = await temporaryDirectory();
  const authority = await createAuthority('etcd-ca');
  const own = await certificate(directory, authority, 'store');
  const [client, peer] = await freePorts(2);
  const config = storeConfig({
    name: 'm1',
    dataDir: join(directory, 'm1'),
    listenClientUrls: `https://127.0.0.1:${client}`,
    advertiseClientUrls: `https://127.0.0.1:${client}`,
    listenPeerUrls: `http://127.0.0.1:${peer}`,
    initialAdvertisePeerUrls: `http://127.0.0.1:${peer}`,
    initialClusterState: 'new',
    initialClusterToken: 'test',
    certFile: own.certFile,
    keyFile: own.keyFile,
    trustedCaFile: own.caFile,
    clientCertAuth,
    authToken: 'simple',
    heartbeatInterval: 100,
    electionTimeout: 1_000,
    snapshotCount: 10_000,
    snapshotCatchupEntries: 5_000,
    quotaBackendBytes: 0,
    maxRequestBytes: 1_572_864,
    maxTxnOps: 128,
    watchProgressNotifyInterval: 600_000,
    autoCompactionMode: 'periodic',
    autoCompactionRetention: '0',
    experimentalCorruptCheckTime: 0,
    logLevel: 'error',
  });
  const stop = new AbortController();
  const running = run(config, createLogger({ component: 'test', level: 'silent' }), stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const as = async (commonName: string) => {
    const security = await certificate(directory, authority, commonName);
    const metadata = new Metadata({ waitForReady: true });
    /** The answer, or { details } of the refusal. */
    const ask = (service: string, method: string, request: object): Promise<Record<string, unknown>> => {
      const made = new (loadService('etcd/rpc.proto', `etcdserverpb.${service}`))(
        `127.0.0.1:${client}`,
        clientCredentials(security),
      );
      const call = (made as unknown as Record<string, Unary>)[method]!.bind(made);
      return new Promise((resolve) => {
        call(request, metadata, { deadline: Date.now() + 20_000 }, (error, answer) => {
          made.close();
          resolve((error ? { details: error.details } : answer) as Record<string, unknown>);
        });
      });
    };
    return { ask, metadata };
  };
  return { as };
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
    // What a member passes on is asked by whoever has the token, not by the member.
    root.metadata.set('raftsman-forwarded', '1');
    expect(await read(root)).toBe('etcdserver: user name is empty');
    root.metadata.remove('raftsman-forwarded');
    expect(await root.ask('Auth', 'userList', {})).toMatchObject({ users: ['alice', 'root'] });
    const { token } = await root.ask('Auth', 'authenticate', { name: 'alice', password: 'pw' });
    root.metadata.set('token', token as string);
    expect(await read(root)).toBe('etcdserver: permission denied');
    root.metadata.set('token', 'forged');
    expect(await read(root)).toBe('etcdserver: invalid auth token');
  });

  test('says nothing when they are not', async () => {
    const { as } = await serve(false);
    const root = await as('root');
    await enable(root);
    expect(await read(root)).toBe('etcdserver: user name is empty');
  });
});
