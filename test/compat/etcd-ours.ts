import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../support/ports.js';
import type { Peer } from './etcd-peer.js';
import { Session } from './etcd-session.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const entry = join(root, 'services/store/test/store-main.mjs');

/** Three `raftsman store` processes on loopback; the address is that of a follower, which has the leader do what only it can. */
export async function startFollower(): Promise<Peer> {
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-b', 'services/store'], { cwd: root });
  const directory = await mkdtemp(join(tmpdir(), 'store-compat-'));
  const members = await Promise.all(
    ['m1', 'm2', 'm3'].map(async (name) => ({ name, client: await freePort(), peer: await freePort() })),
  );
  const children = members.map(({ name, client, peer }) => {
    const flags = {
      name,
      'data-dir': join(directory, name),
      'listen-client-urls': `http://127.0.0.1:${client}`,
      'advertise-client-urls': `http://127.0.0.1:${client}`,
      'listen-peer-urls': `http://127.0.0.1:${peer}`,
      'initial-advertise-peer-urls': `http://127.0.0.1:${peer}`,
      'initial-cluster': members.map((each) => `${each.name}=http://127.0.0.1:${each.peer}`).join(','),
      // etcd's default: the least time to live of a lease follows from it.
      'election-timeout': '1000',
      'log-level': 'error',
    };
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    return spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  });
  const close = async (): Promise<void> => {
    await Promise.all(
      children.map(async (child) => {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        if (child.kill('SIGKILL')) await ended;
      }),
    );
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const addresses = members.map(({ client }) => `127.0.0.1:${client}`);
    return { address: await followerOf(addresses), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function followerOf(addresses: readonly string[]): Promise<string> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    for (const address of addresses) {
      const session = new Session(address);
      const status = (await session.ask('Maintenance', 'status', {})) as {
        leader?: string;
        header?: { memberId: string };
      };
      session.close();
      if (status.leader !== undefined && status.leader !== '0' && status.leader !== status.header?.memberId)
        return address;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the stores found no leader');
}
