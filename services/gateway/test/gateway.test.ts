import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttps, request, type Server as HttpsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPkiFolder, type PkiFolder } from '@raftsman/pki';
import { createLogger } from '@raftsman/telemetry';
import { run } from '@raftsman/gateway';
import { freePort } from '../../../test/support/ports.js';

/** A server that answers /readyz and, with its number, everything else. */
interface Backend {
  ready: boolean;
  readonly port: number;
  kill(): Promise<void>;
}

describe('gateway', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-'));
  const abort = new AbortController();
  let pki: PkiFolder;
  let ca: Buffer;
  const backends: Backend[] = [];
  let port: number;
  let running: Promise<void>;

  beforeAll(async () => {
    pki = openPkiFolder(directory);
    const authority = await pki.authority('ca', 'test-ca');
    await pki.certificate('server', authority, {
      commonName: 'apiserver',
      dnsNames: ['kubernetes.default.svc'],
      usages: ['server'],
    });
    ca = readFileSync(pki.certFile('ca'));
    for (const n of [0, 1]) backends.push(await startBackend(n));
    port = await freePort();
    const grpcPort = await freePort();
    const ports = backends.map((backend) => ({ host: '127.0.0.1', port: backend.port }));
    running = run(
      {
        httpsListen: { host: '127.0.0.1', port },
        grpcListen: { host: '127.0.0.1', port: grpcPort },
        httpsBackends: ports,
        grpcBackends: ports,
        certificateAuthorityFile: pki.certFile('ca'),
        healthIntervalMs: 20,
        shutdownGraceMs: 200,
        logLevel: 'silent',
      },
      createLogger({ component: 'gateway', level: 'silent' }),
      abort.signal,
    );
    await vi.waitFor(async () => expect(await ask()).toMatch(/[01]/), { timeout: 20_000 });
  });
  afterAll(async () => {
    abort.abort();
    await running;
    for (const backend of backends) await backend.kill();
    rmSync(directory, { recursive: true });
  });

  async function startBackend(n: number): Promise<Backend> {
    const backend = { ready: true };
    const server: HttpsServer = createHttps(
      { cert: readFileSync(pki.certFile('server')), key: readFileSync(pki.keyFile('server')) },
      (incoming, response) => {
        if (incoming.url === '/readyz') response.statusCode = backend.ready ? 200 : 503;
        response.end(String(n));
      },
    );
    const sockets = new Set<Duplex>();
    server.on('connection', (socket) => sockets.add(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return Object.assign(backend, {
      port: (server.address() as AddressInfo).port,
      kill: async () => {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    });
  }

  function ask(): Promise<string> {
    return new Promise((resolve, reject) => {
      const call = request(
        { port, host: '127.0.0.1', servername: 'kubernetes.default.svc', ca, agent: false, path: '/api' },
        (response) => {
          response.on('data', (chunk: Buffer) => resolve(chunk.toString()));
        },
      );
      call.on('error', reject).end();
    });
  }
  const askMany = async (): Promise<Set<string>> =>
    new Set(await Promise.all(Array.from({ length: 6 }, ask)));

  it('spreads, lets a draining backend rest, and comes back to it', async () => {
    await vi.waitFor(async () => expect(await askMany()).toEqual(new Set(['0', '1'])), { timeout: 20_000 });
    backends[0]!.ready = false;
    await vi.waitFor(async () => expect(await askMany()).toEqual(new Set(['1'])), { timeout: 20_000 });
    backends[0]!.ready = true;
    await vi.waitFor(async () => expect(await askMany()).toEqual(new Set(['0', '1'])), { timeout: 20_000 });
  });

  it('outlives garbage and a connection that says nothing', async () => {
    const garbage = connect(port, '127.0.0.1').on('error', () => undefined);
    garbage.write(Buffer.alloc(1_000, 0xff));
    const silent = connect(port, '127.0.0.1').on('error', () => undefined);
    await once(garbage, 'close');
    expect(await ask()).toMatch(/[01]/);
    silent.destroy();
  });

  it('serves every request while a backend dies', async () => {
    await backends[0]!.kill();
    for (let i = 0; i < 20; i++) expect(await ask()).toBe('1');
  });
});
