import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerReadableStream, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPkiFolder, type PkiFolder } from '@raftsman/pki';
import { createLogger } from '@raftsman/telemetry';
import { createGrpcServer, type GrpcServer, type TlsFiles } from '@raftsman/wire';
import {
  heartbeatsService,
  openLeaderChannel,
  receiveBeats,
  startBeatSender,
  type Beat,
  type Channel,
  type LeaderBeat,
  type LeaderChannel,
} from '@raftsman/heartbeat';
import { freePort } from '../../../test/support/ports.js';

const natsServer = ['/usr/sbin/nats-server', '/usr/bin/nats-server', '/usr/local/bin/nats-server'].find(
  (path) => existsSync(path),
);
if (natsServer === undefined)
  console.warn('SKIPPED: no nats-server on this machine (Debian package nats-server)');

const logger = createLogger({ component: 'test', level: 'silent' });

describe.skipIf(natsServer === undefined)('beats over a real nats-server, with gRPC to fall back on', () => {
  const directory = mkdtempSync(join(tmpdir(), 'beats-'));
  let pki: PkiFolder;
  let tls: TlsFiles;
  let natsPort: number;
  let nats: ChildProcess | null = null;
  let apiserver: GrpcServer;
  let apiserverAddress: string;
  const abort = new AbortController();
  const heard: { readonly beat: Beat; readonly channel: Channel }[] = [];

  beforeAll(async () => {
    pki = openPkiFolder(join(directory, 'pki'));
    const ca = await pki.authority('ca', 'test-ca');
    await pki.certificate('server', ca, {
      commonName: 'server',
      dnsNames: ['localhost', 'kubernetes.default.svc'],
      ipAddresses: ['127.0.0.1'],
      usages: ['server', 'client'],
    });
    tls = { certFile: pki.certFile('server'), keyFile: pki.keyFile('server'), caFile: pki.certFile('ca') };
    natsPort = await freePort();
    apiserver = relayServer();
    apiserverAddress = `127.0.0.1:${await apiserver.listen('127.0.0.1:0', tls)}`;
  });
  afterEach(() => heard.splice(0));
  afterAll(async () => {
    abort.abort();
    nats?.kill('SIGKILL');
    await apiserver.close(100);
    rmSync(directory, { recursive: true, force: true });
  });

  async function startNats(): Promise<void> {
    const config = join(directory, 'nats.conf');
    writeFileSync(
      config,
      `host: 127.0.0.1\nport: ${natsPort}\ntls { cert_file: "${tls.certFile}", key_file: "${tls.keyFile}", ca_file: "${tls.caFile}", verify: true }\n`,
    );
    nats = spawn(natsServer!, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    nats.stderr!.on('data', (chunk: Buffer) => (log += chunk.toString()));
    await vi.waitFor(() => expect(log).toContain('Server is ready'), { timeout: 20_000 });
  }

  it(
    'hears NATS, changes to gRPC when it is killed and back when it returns, with no gap and no repetition',
    { timeout: 120_000 },
    async () => {
      await startNats();
      const options = { natsServers: [`127.0.0.1:${natsPort}`], apiservers: [apiserverAddress], tls };
      const receiver = receiveBeats(
        { ...options, name: 'receiver', onBeat: (beat, channel) => heard.push({ beat, channel }) },
        logger,
        abort.signal,
      );
      await vi.waitFor(() => expect(receiver.natsLink()).toBe('up'), { timeout: 20_000 });
      startBeatSender(
        {
          ...options,
          node: 'worker-1.lab',
          bootId: 'boot',
          intervalMs: 50,
          load: () => ({ cpuLoad: 0.5, memoryAvailableBytes: 2 ** 40, pods: 3 }),
        },
        logger,
        abort.signal,
      );
      const arrives = (channel: Channel): Promise<void> =>
        vi.waitFor(() => expect(heard.some((one) => one.channel === channel)).toBe(true), {
          timeout: 20_000,
        });
      await arrives('nats');
      expect(heard.at(-1)!.beat).toMatchObject({
        node: 'worker-1.lab',
        load: { cpuLoad: 0.5, memoryAvailableBytes: 2 ** 40, pods: 3 },
      });

      nats!.kill('SIGKILL');
      await once(nats!, 'exit');
      await arrives('grpc');
      await vi.waitFor(() => expect(receiver.natsLink()).toBe('down'), { timeout: 20_000 });

      heard.splice(0);
      await startNats();
      await arrives('nats');
      const sequences = heard.map((one) => one.beat.sequence);
      expect(new Set(sequences).size).toBeGreaterThan(0);
      expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    },
  );

  it(
    "carries a leader's beats to the candidates of its Lease alone, again after NATS was gone",
    { timeout: 120_000 },
    async () => {
      if (nats?.exitCode !== null || nats.signalCode !== null) await startNats();
      const open = (lease: string): LeaderChannel =>
        openLeaderChannel({ lease, natsServers: [`127.0.0.1:${natsPort}`], tls }, logger, abort.signal);
      const [leader, candidate, other] = [open('one.lease'), open('one.lease'), open('other')];
      const beats: LeaderBeat[] = [];
      const strangers: LeaderBeat[] = [];
      candidate.onBeat((beat) => beats.push(beat));
      other.onBeat((beat) => strangers.push(beat));
      let sequence = 0;
      const arrives = (): Promise<void> =>
        vi.waitFor(
          () => {
            sequence += 1;
            leader.send({ holder: 'master-1_uuid', sequence });
            expect(beats.at(-1)?.holder).toBe('master-1_uuid');
          },
          { timeout: 20_000 },
        );
      await arrives();
      await vi.waitFor(() => expect([leader.healthy(), candidate.healthy()]).toEqual([true, true]), {
        timeout: 20_000,
      });

      nats!.kill('SIGKILL');
      await once(nats!, 'exit');
      await vi.waitFor(() => expect([leader.healthy(), candidate.healthy()]).toEqual([false, false]), {
        timeout: 20_000,
      });
      leader.send({ holder: 'master-1_uuid', sequence: 1_000_000 });
      beats.splice(0);
      await startNats();
      await arrives();
      expect(beats.map((beat) => beat.sequence)).not.toContain(1_000_000);
      expect(strangers).toEqual([]);
    },
  );
});

/** What the apiserver does with beats: whoever watches gets what is sent. */
function relayServer(): GrpcServer {
  const watchers = new Set<ServerWritableStream<unknown, unknown>>();
  return createGrpcServer([
    {
      protoFile: 'raftsman/v1/heartbeat.proto',
      definition: heartbeatsService.service,
      implementation: {
        Send: (call: ServerReadableStream<unknown, unknown>, done: sendUnaryData<unknown>) => {
          call.on('data', (beat) => watchers.forEach((watcher) => watcher.write(beat)));
          call.on('end', () => done(null, { received: '0' }));
        },
        Watch: (call: ServerWritableStream<unknown, unknown>) => {
          watchers.add(call);
          call.on('close', () => watchers.delete(call));
        },
      },
    },
  ]);
}
