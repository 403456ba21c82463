import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadService } from '@raftsman/wire';
import { ChannelCredentials } from '@grpc/grpc-js';
import type { MaintenanceClient } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import type { StatusResponse__Output } from '@raftsman/proto/gen/etcdserverpb/StatusResponse.js';
import { eventually, repositoryRoot } from '../support/cluster.js';

/** Who is measured: our store, or the peer beside it. Both take the same flags. */
export interface Contender {
  readonly name: string;
  readonly command: readonly string[];
}

export const raftsmanStore: Contender = {
  name: 'raftsman',
  command: [process.execPath, join(repositoryRoot, 'bin', 'raftsman'), 'store'],
};
export const debianEtcd: Contender | null = existsSync('/usr/bin/etcd')
  ? { name: 'etcd', command: ['/usr/bin/etcd'] }
  : null;

/** Three members on loopback without TLS, which is the same handicap for both. */
export interface Members {
  readonly contender: Contender;
  readonly endpoints: readonly string[];
  /** Index of the leading member; throws while there is none. */
  leader(): Promise<number>;
  kill(member: number): void;
  start(member: number): void;
  pids(): readonly number[];
  /** Resident bytes of each member. */
  residentBytes(): readonly number[];
  stop(): Promise<void>;
}

export async function startMembers(contender: Contender): Promise<Members> {
  const directory = mkdtempSync(join(tmpdir(), `bench-${contender.name}-`));
  const ports = await freePorts(6);
  const clientUrl = (i: number): string => `http://127.0.0.1:${ports[i]}`;
  const peerUrl = (i: number): string => `http://127.0.0.1:${ports[i + 3]}`;
  const endpoints = [0, 1, 2].map((i) => `127.0.0.1:${ports[i]}`);
  const cluster = [0, 1, 2].map((i) => `m${i}=${peerUrl(i)}`).join(',');
  const children: ChildProcess[] = [];
  const start = (i: number): void => {
    const log = openSync(join(directory, `m${i}.log`), 'a');
    const [program, ...words] = contender.command;
    children[i] = spawn(
      program!,
      [
        ...words,
        `--name=m${i}`,
        `--data-dir=${join(directory, `m${i}`)}`,
        `--listen-client-urls=${clientUrl(i)}`,
        `--advertise-client-urls=${clientUrl(i)}`,
        `--listen-peer-urls=${peerUrl(i)}`,
        `--initial-advertise-peer-urls=${peerUrl(i)}`,
        `--initial-cluster=${cluster}`,
        '--initial-cluster-state=new',
      ],
      { stdio: ['ignore', log, log] },
    );
  };
  for (const i of [0, 1, 2]) start(i);
  const members: Members = {
    contender,
    endpoints,
    start,
    leader: () => leadingMember(endpoints),
    kill: (i) => void children[i]!.kill('SIGKILL'),
    pids: () => children.map(({ pid }) => pid!),
    residentBytes: () => children.map((child) => residentBytes(child.pid!)),
    stop: async () => {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await eventually(() => members.leader(), 30_000);
  return members;
}

const Maintenance = loadService('etcd/rpc.proto', 'etcdserverpb.Maintenance');

async function leadingMember(endpoints: readonly string[]): Promise<number> {
  const statuses = await Promise.all(endpoints.map(status));
  const leading = statuses.findIndex(
    (one) => one !== null && one.leader !== '0' && one.leader === one.header?.memberId,
  );
  if (leading < 0) throw new Error('no leader');
  return leading;
}

function status(endpoint: string): Promise<StatusResponse__Output | null> {
  const client = new Maintenance(
    endpoint,
    ChannelCredentials.createInsecure(),
  ) as unknown as MaintenanceClient;
  return new Promise((resolve) => {
    client.Status({}, { deadline: Date.now() + 500 }, (error, response) => {
      client.close();
      resolve(error ? null : (response ?? null));
    });
  });
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
