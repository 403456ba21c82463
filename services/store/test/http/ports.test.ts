import { readFile, writeFile } from 'node:fs/promises';
import { request as requestTls } from 'node:https';
import { join } from 'node:path';
import type { IncomingMessage } from 'node:http';
import { createAuthority, issueCertificate } from '@raftsman/pki';
import { createLogger } from '@raftsman/telemetry';
import { expect, onTestFinished, test } from 'vitest';
import { command } from '../../src/main.js';
import { storeConfig, type StoreFlags } from '../../src/config.js';
import { run } from '../../src/run.js';
import { freePorts } from '../../../../test/support/ports.js';
import { temporaryDirectory } from '../replica-fixture.js';

/** A member with TLS, and with metrics for everyone on a port of their own. */
async function serve(changes: Partial<StoreFlags> = {}) {
  const directory = await temporaryDirectory();
  const authority = await createAuthority('etcd-ca');
  const usages = ['server', 'client'] as const;
  const own = await issueCertificate(authority, { commonName: 'store', ipAddresses: ['127.0.0.1'], usages });
  const pem = { 'own.crt': own.certPem, 'own.key': own.keyPem, 'ca.crt': authority.certPem };
  for (const [name, text] of Object.entries(pem)) await writeFile(join(directory, name), text);
  const [client, peer, metrics] = await freePorts(3);
  const flags = {
    ...command().opts<StoreFlags>(),
    dataDir: join(directory, 'data'),
    listenClientUrls: `https://127.0.0.1:${client}`,
    advertiseClientUrls: `https://127.0.0.1:${client}`,
    listenMetricsUrls: `http://127.0.0.1:${metrics}`,
    listenPeerUrls: `http://127.0.0.1:${peer}`,
    initialAdvertisePeerUrls: `http://127.0.0.1:${peer}`,
    certFile: join(directory, 'own.crt'),
    keyFile: join(directory, 'own.key'),
    trustedCaFile: join(directory, 'ca.crt'),
    ...changes,
  };
  const stop = new AbortController();
  const logger = createLogger({ component: 'test', level: 'silent' });
  const running = run(storeConfig(flags), logger, stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  return { client: client!, metrics: metrics!, flags, caFile: join(directory, 'ca.crt') };
}

async function until<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await attempt().catch(() => undefined);
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The code of the answer that /metrics gives on the client port. */
async function ask({ client, caFile }: Awaited<ReturnType<typeof serve>>, shown: object): Promise<number> {
  const ca = await readFile(caFile);
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: client, path: '/metrics', agent: false, ca, ...shown };
    const sent = requestTls(options, (answer: IncomingMessage) => {
      answer.resume();
      resolve(answer.statusCode!);
    });
    sent.on('error', reject);
    sent.end();
  });
}

const refused = /certificate required|ECONNRESET|hang up/;

test('clients show a certificate for HTTP too, and metrics have a port for those who have none', async () => {
  const serving = await serve({ clientCertAuth: true });
  const { metrics, flags } = serving;
  const plain = `http://127.0.0.1:${metrics}`;
  await until('health', async () => ((await fetch(`${plain}/health`)).ok ? true : undefined));
  expect(await (await fetch(`${plain}/metrics`)).text()).toContain('etcd_server_is_leader 1\n');
  expect((await fetch(`${plain}/v3/kv/range`, { method: 'POST', body: '{}' })).status).toBe(404);
  expect((await fetch(`${plain}/version`)).status).toBe(404);

  const pair = { cert: await readFile(flags.certFile), key: await readFile(flags.keyFile) };
  expect(await ask(serving, pair)).toBe(200);
  await expect(ask(serving, {})).rejects.toThrow(refused);
});

test('an authority alone makes a certificate necessary, and without one none is asked for', async () => {
  const closed = await serve();
  await until('health', async () =>
    (await fetch(`http://127.0.0.1:${closed.metrics}/health`)).ok ? true : undefined,
  );
  await expect(ask(closed, {})).rejects.toThrow(refused);
  const open = await serve({ trustedCaFile: undefined });
  expect(await until('an answer', () => ask(open, {}))).toBe(200);
});
