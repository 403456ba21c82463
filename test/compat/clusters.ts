import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../support/ports.js';
import { etcdBinary } from './etcd-peer.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const storeEntry = join(root, 'services/store/test/store-main.mjs');

/** Whose processes a cluster is made of. They take the same flags. */
export type Kind = 'etcd' | 'raftsman';

export interface ClusterMember {
  readonly name: string;
  /** host:port */
  readonly client: string;
  readonly peerUrl: string;
}

/** A cluster of real processes on loopback, each with a directory of its own. */
export interface Cluster {
  readonly kind: Kind;
  readonly directory: string;
  readonly members: readonly ClusterMember[];
  /** Starts one more process, which `member add` has announced or will announce. */
  startAdded(name: string, peerUrl: string): Promise<ClusterMember>;
  close(): Promise<void>;
}

/** Both kinds in the same way. Resolves when every member answers. */
export async function startCluster(kind: Kind, size: number): Promise<Cluster> {
  if (kind === 'raftsman')
    await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-b', 'services/store'], { cwd: root });
  const directory = await mkdtemp(join(tmpdir(), `${kind}-cluster-`));
  const children: ChildProcess[] = [];
  const members: ClusterMember[] = [];
  for (let at = 1; at <= size; at += 1) members.push(await newMember(`m${at}`));
  const start = (member: ClusterMember, state: 'new' | 'existing'): void => {
    children.push(spawnMember(kind, directory, member, members, state));
  };
  const close = async (): Promise<void> => {
    await Promise.all(children.map((child) => end(child)));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const member of members) start(member, 'new');
    await Promise.all(members.map((member) => answers(member)));
  } catch (error) {
    await close();
    throw error;
  }
  const startAdded = async (name: string, peerUrl: string): Promise<ClusterMember> => {
    const member = { ...(await newMember(name)), peerUrl };
    members.push(member);
    start(member, 'existing');
    await answers(member);
    return member;
  };
  return { kind, directory, members, startAdded, close };
}

async function newMember(name: string): Promise<ClusterMember> {
  return {
    name,
    client: `127.0.0.1:${await freePort()}`,
    peerUrl: `http://127.0.0.1:${await freePort()}`,
  };
}

function spawnMember(
  kind: Kind,
  directory: string,
  { name, client, peerUrl }: ClusterMember,
  members: readonly ClusterMember[],
  state: 'new' | 'existing',
): ChildProcess {
  const flags = {
    name,
    'data-dir': join(directory, name),
    'listen-client-urls': `http://${client}`,
    'advertise-client-urls': `http://${client}`,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': members.map((each) => `${each.name}=${each.peerUrl}`).join(','),
    'initial-cluster-state': state,
    'log-level': 'error',
    ...(kind === 'etcd' && { logger: 'zap' }),
  };
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  const [program, first] = kind === 'etcd' ? [etcdBinary, []] : [process.execPath, [storeEntry]];
  return spawn(program, [...first, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Also a learner, and a member without a leader, answers so. */
async function answers({ name, client }: ClusterMember): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      if ((await fetch(`http://${client}/version`)).ok) return;
    } catch {
      // Not there yet.
    }
    if (Date.now() > deadline) throw new Error(`${name} at ${client} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (child.kill('SIGKILL')) await ended;
}
