import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/ports.js';

export interface Peer {
  /** host:port */
  readonly address: string;
  close(): Promise<void>;
}

export const etcdBinary = '/usr/bin/etcd';
export const etcdctlBinary = '/usr/bin/etcdctl';

/** Why the comparison cannot be made on this machine; undefined: it can. */
export function missing(...binaries: readonly string[]): string | undefined {
  const absent = [etcdBinary, ...binaries].filter((binary) => !existsSync(binary));
  if (absent.length === 0) return undefined;
  return `SKIPPED: ${absent.join(' and ')} not installed (apt-get install etcd-server etcd-client): nothing is compared with real etcd`;
}

export interface EtcdOptions {
  /** More of etcd's, without the dashes. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Makes the data directory, which is not there yet, of member `default` with this peer URL. */
  readonly prepare?: (dataDirectory: string, peerUrl: string) => Promise<unknown>;
}

/** Debian's etcd, one member, on free ports and a directory of its own. */
export async function startEtcd({ flags = {}, prepare }: EtcdOptions = {}): Promise<Peer> {
  const directory = await mkdtemp(join(tmpdir(), 'etcd-compat-'));
  const [clientPort, peerPort] = [await freePort(), await freePort()];
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const dataDirectory = join(directory, 'data');
  await prepare?.(dataDirectory, peerUrl);
  const child = spawn(
    etcdBinary,
    Object.entries({
      'data-dir': dataDirectory,
      name: 'default',
      'log-level': 'error',
      logger: 'zap',
      'listen-client-urls': clientUrl,
      'advertise-client-urls': clientUrl,
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': `default=${peerUrl}`,
      ...flags,
    }).map(([flag, value]) => `--${flag}=${value}`),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  const deadline = Date.now() + 60_000;
  while (!(await isHealthy(clientUrl))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await close();
      throw new Error(`etcd did not start: ${errors}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { address: `127.0.0.1:${clientPort}`, close };
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).ok;
  } catch {
    return false;
  }
}
