import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { createAuthority, issueCertificate } from '@raftsman/pki';
import { createLogger } from '@raftsman/telemetry';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import {
  clientCredentials,
  connectUpgraded,
  createGrpcServer,
  wireLimits,
  type TlsFiles,
} from '../src/index.js';

/** Time stands still for what looks at files, until `later`. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});
const later = (): unknown => vi.advanceTimersByTime(wireLimits.certificateCheckMs);

type Authority = Awaited<ReturnType<typeof createAuthority>>;

/** Files that can be renewed, and by another authority. */
async function renewable(by?: Authority) {
  const directory = await mkdtemp(join(tmpdir(), 'certificates-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = (name: string): string => join(directory, name);
  const files: TlsFiles = { certFile: path('crt'), keyFile: path('key'), caFile: path('ca') };
  const issue = (authority: Authority) =>
    issueCertificate(authority, {
      commonName: 'me',
      ipAddresses: ['127.0.0.1'],
      usages: ['server', 'client'],
    });
  const write = async (authority: Authority): Promise<void> => {
    const { certPem, keyPem } = await issue(authority);
    await writeFile(files.certFile, certPem);
    await writeFile(files.keyFile, keyPem);
    await writeFile(files.caFile, authority.certPem);
  };
  const authority = by ?? (await createAuthority('a'));
  await write(authority);
  return { files, authority, issue, write };
}

const protocol = 'echo/1';

async function serve(files: TlsFiles) {
  const logger = createLogger({ component: 'test', level: 'silent' });
  const warn = vi.spyOn(logger, 'warn');
  const taken: TLSSocket[] = [];
  const take = (connection: Socket): void => {
    connection.on('error', () => undefined);
    taken.push(connection as TLSSocket);
  };
  const http = (_request: unknown, response: { end(text: string): void }): void => response.end('hello');
  const server = createGrpcServer([], { http, upgrade: { protocol, take }, logger });
  const port = await server.listen('127.0.0.1:0', files);
  onTestFinished(() => server.close(0));
  return { port, warn, taken };
}

interface Pair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A connection of somebody with that pair, who looks at nothing. */
async function dial(port: number, { certPem: cert, keyPem: key }: Pair): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, cert, key, rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

async function serialOf(port: number, pair: Pair): Promise<string> {
  return (await dial(port, pair)).getPeerCertificate().serialNumber;
}

/** To a request of HTTP; nothing if the connection ends without one. */
async function answerTo(socket: TLSSocket): Promise<string> {
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  let answer = '';
  socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
  await vi.waitFor(() => expect(answer.includes('hello') || socket.closed).toBe(true), 20_000);
  return answer;
}

it('a port shows a renewed certificate to the next connection, and keeps those it has', async () => {
  const { files, authority, issue, write } = await renewable();
  const { port } = await serve(files);
  const client = await issue(authority);
  const early = await dial(port, client);
  const before = early.getPeerCertificate().serialNumber;
  await write(authority);
  expect(await serialOf(port, client)).toBe(before);
  later();
  const after = await serialOf(port, client);
  expect(after).not.toBe(before);
  later();
  expect(await serialOf(port, client)).toBe(after);
  expect(await answerTo(early)).toContain('hello');
});

it('a port trusts a renewed authority, and not the one before', async () => {
  const { files, authority, issue, write } = await renewable();
  const { port } = await serve(files);
  const other = await createAuthority('b');
  await write(other);
  later();
  expect(await answerTo(await dial(port, await issue(other)))).toContain('hello');
  expect(await dial(port, await issue(authority)).then(answerTo)).toBe('');
});

it('files that are of no use change nothing, are warned of once, and are tried again', async () => {
  const { files, authority, issue, write } = await renewable();
  const { port, warn } = await serve(files);
  const client = await issue(authority);
  const before = await serialOf(port, client);
  const useless: readonly (() => Promise<void>)[] = [
    async () => writeFile(files.certFile, (await issue(authority)).certPem),
    () => writeFile(files.keyFile, 'half a k'),
    () => writeFile(files.caFile, ''),
    () => rm(files.certFile),
  ];
  for (const spoil of useless) {
    await spoil();
    later();
    expect(await serialOf(port, client)).toBe(before);
  }
  expect(warn).toHaveBeenCalledTimes(1);
  await write(authority);
  later();
  expect(await serialOf(port, client)).not.toBe(before);
  await rm(files.caFile);
  later();
  await serialOf(port, client);
  expect(warn).toHaveBeenCalledTimes(2);
});

it('a renewed certificate is shown at the next dial, one of no use never', async () => {
  const { files: own, authority } = await renewable();
  const { files: others, write } = await renewable(authority);
  const { port, taken } = await serve(own);
  const shown = async (): Promise<string> => {
    const count = taken.length;
    const options = { address: `127.0.0.1:${port}`, security: others, protocol, connectTimeoutMs: 20_000 };
    const socket = await new Promise<Socket>((resolve, reject) => {
      connectUpgraded(options, { upgraded: resolve, failed: (reason) => reject(new Error(reason)) });
    });
    onTestFinished(() => void socket.destroy());
    return taken[count]!.getPeerCertificate().serialNumber;
  };
  const before = await shown();
  const credentials = clientCredentials(others);
  await write(authority);
  expect(await shown()).toBe(before);
  expect(clientCredentials(others)).toBe(credentials);
  later();
  const after = await shown();
  expect(after).not.toBe(before);
  expect(clientCredentials(others)).not.toBe(credentials);
  await writeFile(others.keyFile, '');
  later();
  expect(await shown()).toBe(after);
});
