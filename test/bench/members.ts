import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadService } from '@raftsman/wire';
import { ChannelCredentials } from '@grpc/grpc-js';
import type { MaintenanceClient } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import type { StatusResponse__Output } from '@raftsman/proto/gen/etcdserverpb/StatusResponse.js';
import { eventually, repositoryRoot } from '../support/cluster.js';
import { freePorts } from '../support/ports.js';

/** Who is measured: our store, or the peer beside it. Both take the same flags. */
export interface Contender {
  readonly name: string;
  readonly command: readonly string[];
}

export const raftsmanStore: Contender = {
  name: 'raftsman',
  command: [join(repositoryRoot, 'bin', 'raftsman'), 'store'],
};
export const debianEtcd: Contender | null = existsSync('/usr/bin/etcd')
  ? { name: 'etcd', command: ['/usr/bin/etcd'] }
  : null;

/** Where a member runs: a command that starts another one there, and its address. */
export interface Machine {
  readonly enter: readonly string[];
  readonly address: string;
}

export interface Usage {
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  /** What the process caused to be sent to the disk. */
  readonly writtenBytes: number;
}

/** Members without TLS, which is the same handicap for both. */
export interface Members {
  readonly contender: Contender;
  readonly endpoints: readonly string[];
  /** Index of the leading member; throws while there is none. */
  leader(): Promise<number>;
  /** The highest term that a member tells. */
  term(): Promise<number>;
  signal(member: number, signal: NodeJS.Signals): void;
  /** Resolves when the process is gone. */
  kill(member: number): Promise<void>;
  start(member: number): void;
  usage(member: number): Usage;
  stop(): Promise<void>;
}

const here: Machine = { enter: [], address: '127.0.0.1' };

export async function startMembers(
  contender: Contender,
  machines: readonly Machine[] = [here, here, here],
): Promise<Members> {
  const directory = mkdtempSync(join(tmpdir(), `bench-${contender.name}-`));
  const ports = await freePorts(2 * machines.length);
  const urls = machines.map(({ address }, i) => ({
    client: `http://${address}:${ports[2 * i]}`,
    peer: `http://${address}:${ports[2 * i + 1]}`,
  }));
  const endpoints = urls.map(({ client }) => client.slice('http://'.length));
  const cluster = urls.map(({ peer }, i) => `m${i}=${peer}`).join(',');
  const children: ChildProcess[] = [];
  const start = (i: number): void => {
    const log = openSync(join(directory, `m${i}.log`), 'a');
    const { client, peer } = urls[i]!;
    const [program, ...words] = [...machines[i]!.enter, ...contender.command];
    const flags = [
      `--name=m${i}`,
      `--data-dir=${join(directory, `m${i}`)}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=${cluster}`,
      '--initial-cluster-state=new',
    ];
    children[i] = spawn(program!, [...words, ...flags], { stdio: ['ignore', log, log] });
  };
  const kill = async (i: number): Promise<void> => {
    const child = children[i]!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  machines.forEach((_, i) => start(i));
  const members: Members = {
    contender,
    endpoints,
    start,
    kill,
    leader: () => leadingMember(endpoints),
    term: async () =>
      Math.max(...(await Promise.all(endpoints.map(status))).map((one) => Number(one?.raftTerm ?? 0))),
    signal: (i, name) => void children[i]!.kill(name),
    usage: (i) => usageOf(children[i]!.pid!),
    stop: async () => {
      for (const child of children) child.kill('SIGCONT');
      await Promise.all(children.map((_, i) => kill(i)));
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await eventually(() => members.leader(), 60_000);
  } catch (error) {
    await members.stop();
    throw error;
  }
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
    client.Status({}, { deadline: Date.now() + 2_000 }, (error, response) => {
      client.close();
      resolve(error ? null : (response ?? null));
    });
  });
}

const ticksPerSecond = 100;

export function usageOf(pid: number): Usage {
  const file = (name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8');
  const stat = file('stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    residentBytes: Number(/VmRSS:\s+(\d+) kB/.exec(file('status'))![1]) * 1_024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    writtenBytes: Number(/^write_bytes: (\d+)/m.exec(file('io'))![1]),
  };
}
