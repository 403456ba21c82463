import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '@raftsman/pki';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectUpgraded, createGrpcServer, type Security, type TlsFiles } from '../src/index.js';

const protocol = 'echo/1';
let directory: string;
let trusted: TlsFiles;
let stranger: TlsFiles;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upgrade-'));
  trusted = await tlsFiles('trusted');
  stranger = { ...(await tlsFiles('stranger')), caFile: trusted.caFile };
});
afterAll(() => rm(directory, { recursive: true }));

async function tlsFiles(name: string): Promise<TlsFiles> {
  const authority = await createAuthority('peer-ca');
  const pair = await issueCertificate(authority, {
    commonName: name,
    ipAddresses: ['127.0.0.1'],
    usages: ['server', 'client'],
  });
  const write = async (kind: string, pem: string): Promise<string> => {
    const path = join(directory, `${name}.${kind}`);
    await writeFile(path, pem);
    return path;
  };
  return {
    certFile: await write('crt', pair.certPem),
    keyFile: await write('key', pair.keyPem),
    caFile: await write('ca', authority.certPem),
  };
}

/** A port that echoes to those who leave HTTP/1.1. */
async function echoing(tls: TlsFiles | null) {
  const taken: Socket[] = [];
  const server = createGrpcServer([], {
    http: (_request, response) => response.writeHead(404).end(),
    upgrade: {
      protocol,
      take: (socket) => {
        taken.push(socket);
        socket.on('error', () => socket.destroy());
        socket.pipe(socket);
      },
    },
  });
  const port = await server.listen('127.0.0.1:0', tls ?? 'insecure');
  onTestFinished(() => server.close(0));
  return { server, port, taken };
}

/** What was echoed, or why nothing was. */
function echoOf(port: number, security: Security, text: string, asked = protocol): Promise<string> {
  return new Promise((resolve) => {
    const giveUp = connectUpgraded(
      { address: `127.0.0.1:${port}`, security, protocol: asked, connectTimeoutMs: 5_000 },
      {
        upgraded: (socket) => {
          socket.on('error', (error) => resolve(error.message));
          socket.on('close', () => resolve('closed'));
          socket.once('data', (bytes: Buffer) => resolve(String(bytes)));
          socket.write(text);
        },
        failed: resolve,
      },
    );
    onTestFinished(giveUp);
  });
}

describe('a connection that leaves HTTP/1.1', () => {
  it('carries bytes both ways, without TLS and with it', async () => {
    for (const tls of [null, trusted]) {
      const { port, taken } = await echoing(tls);
      expect(await echoOf(port, tls ?? 'insecure', 'hello')).toBe('hello');
      expect(taken).toHaveLength(1);
    }
  });

  it('is nothing that somebody without the right certificate gets to', async () => {
    const { port, taken } = await echoing(trusted);
    expect(await echoOf(port, stranger, 'hello')).not.toBe('hello');
    expect(await echoOf(port, 'insecure', 'hello')).not.toBe('hello');
    expect(taken).toEqual([]);
  });

  it('is for who asks for its protocol', async () => {
    const { port, taken } = await echoing(null);
    expect(await echoOf(port, 'insecure', 'hello', 'echo/2')).toMatch(/^answered (?:426|echo\/1) instead of/);
    const plain = createGrpcServer([], { http: (_request, response) => response.end('as usual') });
    const plainPort = await plain.listen('127.0.0.1:0', 'insecure');
    onTestFinished(() => plain.close(0));
    expect(await echoOf(plainPort, 'insecure', 'hello')).toBe(`answered 200 instead of speaking ${protocol}`);
    expect(taken).toEqual([]);
  });

  it('begins with bytes that came with the request', async () => {
    const { port } = await echoing(null);
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let received = '';
    socket.on('data', (bytes) => (received += String(bytes)));
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\nearly`);
    await vi.waitFor(() => expect(received).toMatch(/^HTTP\/1.1 101 [^]*\r\n\r\nearly$/), 20_000);
  });

  it('ends with its port', async () => {
    const { server, port, taken } = await echoing(null);
    const socket = connect(port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
    await vi.waitFor(() => expect(taken).toHaveLength(1), 20_000);
    await server.close(0);
    await closed;
    expect(taken[0]!.destroyed).toBe(true);
  });

  it('fails with the reason when there is nobody, or a file is missing', async () => {
    const { server, port } = await echoing(null);
    await server.close(0);
    expect(await echoOf(port, 'insecure', 'hello')).toMatch(/ECONNREFUSED/);
    const missing = { ...trusted, keyFile: join(directory, 'nothing') };
    expect(await echoOf(port, missing, 'hello')).toMatch(/ENOENT/);
  });
});
