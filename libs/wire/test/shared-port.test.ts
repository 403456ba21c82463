import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestTls } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { Client } from '@grpc/grpc-js';
import { createAuthority, issueCertificate } from '@raftsman/pki';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  clientCredentials,
  createGrpcServer,
  serviceDefinition,
  wireLimits,
  type CertificateFiles,
  type GrpcServer,
  type GrpcService,
  type Security,
  type TlsFiles,
} from '../src/index.js';

vi.mock('../src/limits.js', async (original) => {
  const { wireLimits: real } = await original<{ wireLimits: Record<string, number> }>();
  const soon = { silentConnectionMs: 300, httpHeadersTimeoutMs: 300, httpCheckIntervalMs: 50 };
  return { wireLimits: { ...real, ...soon, httpBodyTimeoutMs: 600, httpConnectionsMax: 20 } };
});

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const directories: string[] = [];
afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true });
});

let tls: TlsFiles;
let strangers: TlsFiles;
beforeAll(async () => {
  tls = await tlsFiles();
  strangers = { ...(await tlsFiles()), caFile: tls.caFile };
});

async function tlsFiles(): Promise<TlsFiles> {
  const directory = await mkdtemp(join(tmpdir(), 'wire-'));
  const authority = await createAuthority('etcd-ca');
  const usages = ['server', 'client'] as const;
  const pair = await issueCertificate(authority, { commonName: 'me', ipAddresses: ['127.0.0.1'], usages });
  const files = { 'me.crt': pair.certPem, 'me.key': pair.keyPem, 'ca.crt': authority.certPem };
  for (const [name, pem] of Object.entries(files)) await writeFile(join(directory, name), pem);
  directories.push(directory);
  return {
    certFile: join(directory, 'me.crt'),
    keyFile: join(directory, 'me.key'),
    caFile: join(directory, 'ca.crt'),
  };
}

async function serve(
  security: Security,
  services: readonly GrpcService[] = [],
): Promise<{ server: GrpcServer; port: number }> {
  const server = createGrpcServer(services, {
    http: (request, response) => {
      let size = 0;
      request.on('data', (chunk: Buffer) => (size += chunk.length));
      request.on('end', () => response.end(`${request.method} ${request.url} ${size}`));
    },
  });
  const port = await server.listen('127.0.0.1:0', security);
  cleanups.push(() => server.close(0));
  return { server, port };
}

/** grpc.health.v1.Health/Check: 1 is SERVING. */
function health(port: number, security: Security): Promise<number> {
  const client = new Client(`127.0.0.1:${port}`, clientCredentials(security));
  cleanups.push(() => client.close());
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    const answer = (error: Error | null, bytes?: Buffer): void => {
      if (error) reject(error);
      else resolve(bytes![1]!);
    };
    const deadline = Date.now() + 20_000;
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      same,
      same,
      Buffer.alloc(0),
      { deadline },
      answer,
    );
  });
}

/** What reflection answers about the services there are: `ServerReflectionRequest{list_services: "*"}`. */
function listServices(port: number): Promise<string> {
  const client = new Client(`127.0.0.1:${port}`, clientCredentials('insecure'));
  cleanups.push(() => client.close());
  const same = (bytes: Buffer): Buffer => bytes;
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const stream = client.makeBidiStreamRequest(path, same, same, { deadline: Date.now() + 20_000 });
  return new Promise((resolve, reject) => {
    stream.on('data', (bytes: Buffer) => {
      resolve(bytes.toString('latin1'));
      stream.end();
    });
    stream.on('error', reject);
    stream.write(Buffer.from([0x3a, 1, 0x2a]));
  });
}

function open(port: number): Socket & { said: string } {
  const socket = Object.assign(connect(port, '127.0.0.1'), { said: '' });
  socket.on('data', (bytes: Buffer) => (socket.said += bytes.toString()));
  socket.on('error', () => undefined);
  cleanups.push(() => void socket.destroy());
  return socket;
}

const closed = async (socket: Socket): Promise<void> => {
  if (!socket.closed) await once(socket, 'close');
};

describe('a port without TLS', () => {
  it('serves gRPC and HTTP/1.1', async () => {
    const { port } = await serve('insecure');
    expect(await health(port, 'insecure')).toBe(1);
    const body = 'x'.repeat(300_000);
    const answer = await fetch(`http://127.0.0.1:${port}/a`, { method: 'POST', body });
    expect(await answer.text()).toBe('POST /a 300000');
    expect(await health(port, 'insecure')).toBe(1);
  });

  it('tells the health that it was given before anybody asked, and after', async () => {
    const { server, port } = await serve('insecure');
    server.setServing('', false);
    expect(await health(port, 'insecure')).toBe(2);
    server.setServing('', true);
    expect(await health(port, 'insecure')).toBe(1);
  });

  it('describes its services', async () => {
    const protoFile = 'etcd/lock.proto';
    const definition = serviceDefinition(protoFile, 'v3lockpb.Lock');
    const { port } = await serve('insecure', [{ protoFile, definition, implementation: {} }]);
    expect(await listServices(port)).toContain('v3lockpb.Lock');
  });

  it('serves several requests on a connection, the first of which comes byte by byte', async () => {
    const { port } = await serve('insecure');
    const socket = open(port);
    for (const byte of 'PUT /one HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy') {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await vi.waitFor(() => expect(socket.said).toContain('PUT /one 2'), 20_000);
    socket.write('GET /two HTTP/1.1\r\nHost: a\r\n\r\nGET /three HTTP/1.1\r\nHost: a\r\n\r\n');
    await vi.waitFor(() => expect(socket.said).toContain('GET /three 0'), 20_000);
    expect(socket.said).toContain('GET /two 0');
  });

  it('takes an HTTP/2 preface that comes byte by byte', async () => {
    const { port } = await serve('insecure');
    const socket = open(port);
    const settings = '\0\0\0\x04\0\0\0\0\0';
    for (const byte of `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${settings}`) {
      socket.write(byte, 'latin1');
      await new Promise((resolve) => setImmediate(resolve));
    }
    // The server's own settings are the answer: a frame of type 4.
    await vi.waitFor(() => expect(socket.said.length).toBeGreaterThan(9), 20_000);
    expect(socket.said.charCodeAt(3)).toBe(4);
  });

  it('answers HTTP/2 that is no gRPC with 415', async () => {
    const { port } = await serve('insecure');
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    cleanups.push(() => session.destroy());
    const stream = session.request({ ':path': '/health' });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(415);
  });

  it('refuses garbage, and is there for others', async () => {
    const { port } = await serve('insecure');
    const garbage = [
      '\x16\x03\x01\x02\0\x01\0',
      '\0'.repeat(100_000),
      'PRX * HTTP/2.0\r\n\r\n',
      'PRI * HTTP/2.0 no',
    ];
    const sockets = garbage.map((text) => {
      const socket = open(port);
      socket.write(text, 'latin1');
      return socket;
    });
    await Promise.all(sockets.map(closed));
    expect(await health(port, 'insecure')).toBe(1);
  });

  it('closes connections that say nothing, or half a request, for too long', async () => {
    const { port } = await serve('insecure');
    const silent = open(port);
    const halfPreface = open(port);
    halfPreface.write('PR');
    const slow = open(port);
    slow.write('GET / HTTP/1.1\r\nHost: a\r\n');
    const dripping = setInterval(() => slow.write('X-A: b\r\n'), 20);
    cleanups.push(() => clearInterval(dripping));
    const slowBody = open(port);
    slowBody.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
    const drippingBody = setInterval(() => slowBody.write('x'), 20);
    cleanups.push(() => clearInterval(drippingBody));
    await Promise.all([silent, halfPreface, slow, slowBody].map(closed));
    expect(slow.said).toContain('408');
    expect(slowBody.said).toContain('408');
  });

  it('refuses headers that are too large', async () => {
    const { port } = await serve('insecure');
    const socket = open(port);
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(wireLimits.httpHeaderBytesMax)}\r\n\r\n`);
    await closed(socket);
    expect(socket.said).toContain('431');
  });

  it('has a place for gRPC when HTTP/1.1 has taken all of its own', async () => {
    const { port } = await serve('insecure');
    const sockets = Array.from({ length: wireLimits.httpConnectionsMax + 1 }, () => open(port));
    for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await vi.waitFor(
      () => expect(sockets.filter(({ said }) => said !== '')).toHaveLength(sockets.length),
      20_000,
    );
    expect(sockets.filter(({ said }) => said.includes('503'))).toHaveLength(1);
    expect(await health(port, 'insecure')).toBe(1);
  });

  it('listens on all addresses of localhost', async () => {
    const server = createGrpcServer([], { http: (_request, response) => response.end('hello') });
    cleanups.push(() => server.close(0));
    const port = await server.listen('localhost:0', 'insecure');
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('hello');
  });

  it('says that it is taken', async () => {
    const { port } = await serve('insecure');
    const second = createGrpcServer([], { http: () => undefined });
    await expect(second.listen(`127.0.0.1:${port}`, 'insecure')).rejects.toThrow('EADDRINUSE');
  });

  it('is closed with every connection, in time', async () => {
    const { server, port } = await serve('insecure');
    await health(port, 'insecure');
    const sockets = ['', 'PR', 'GET / HTTP/1.1\r\nHost', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'].map((text) => {
      const socket = open(port);
      if (text !== '') socket.write(text);
      return socket;
    });
    await vi.waitFor(() => expect(sockets[3]!.said).toContain('200'), 20_000);
    await server.close(100);
    await Promise.all(sockets.map(closed));
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow('fetch failed');
  });
});

describe('a port with TLS', () => {
  const get = (port: number, files: Partial<TlsFiles>): Promise<string> =>
    new Promise((resolve, reject) => {
      const pem = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
      const request = requestTls(
        {
          host: '127.0.0.1',
          port,
          path: '/tls',
          agent: false,
          ca: pem(tls.caFile),
          cert: pem(files.certFile),
          key: pem(files.keyFile),
        },
        (response) => {
          let said = '';
          response.on('data', (chunk: Buffer) => (said += chunk.toString()));
          response.on('end', () => resolve(said));
        },
      );
      request.on('error', reject);
      request.end();
    });

  const withoutAuthority = (): CertificateFiles => ({ certFile: tls.certFile, keyFile: tls.keyFile });

  it('serves gRPC and HTTP/1.1, with an authority and without', async () => {
    for (const security of [tls, withoutAuthority()]) {
      const { port } = await serve(security);
      expect(await health(port, tls)).toBe(1);
      expect(await get(port, tls)).toBe('GET /tls 0');
    }
  });

  it('asks nobody for a certificate if it has no authority to check it by', async () => {
    const { port } = await serve(withoutAuthority());
    expect(await get(port, {})).toBe('GET /tls 0');
    expect(await get(port, strangers)).toBe('GET /tls 0');
  });

  it('asks HTTP/1.1 and gRPC alike for one of its authority if it has one', async () => {
    const { port } = await serve(tls);
    await expect(get(port, {})).rejects.toThrow(/certificate required|ECONNRESET|socket hang up/);
    await expect(get(port, strangers)).rejects.toThrow(/alert|ECONNRESET|socket hang up/);
    await expect(health(port, strangers)).rejects.toThrow(/UNAVAILABLE|DEADLINE/);
    expect(await health(port, tls)).toBe(1);
  });

  it.each([
    [['h2'], 'h2'],
    [['h2', 'http/1.1'], 'http/1.1'],
    [['http/1.1'], 'http/1.1'],
  ])('gives who offers %j %s', async (ALPNProtocols, chosen) => {
    const { port } = await serve(withoutAuthority());
    const socket = connectTls({ host: '127.0.0.1', port, ALPNProtocols, ca: readFileSync(tls.caFile) });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe(chosen);
    socket.destroy();
  });

  it('serves who offers nothing by what it says', async () => {
    const { port } = await serve(withoutAuthority());
    const socket = connectTls({ host: '127.0.0.1', port, ca: readFileSync(tls.caFile) });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toContain('200 OK');
    socket.destroy();
  });
});
