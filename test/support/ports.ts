import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/** Above those of the clusters that createTestCluster makes, below those that the kernel gives to connections. */
const first = 21_000;
const end = ephemeralPortMin();
/** Workers of one run that take ports of their own each. */
const workersMax = 8;
const share = Math.floor((end - first) / workersMax);
const mine = first + (Number(process.env['VITEST_POOL_ID'] ?? 0) % workersMax) * share;
let next = Math.floor(Math.random() * share);
/** Another address of loopback, where this process listens at each port that it gave out, as long as it lives: a run beside this one does not take it. */
const counter = '127.94.0.1';

/**
 * Ports of loopback for processes that are told theirs. None that the kernel hands out by itself: between the look here and the process that listens, or while
 * a member is down, such a port becomes the near end of anybody's connection. None twice until this process has been through its share.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries === share) throw new Error(`${count} free ports: none left from ${mine} to ${mine + share}`);
    const port = mine + (next++ % share);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]!;
}

async function isFree(port: number): Promise<boolean> {
  const server = await listening(port, '127.0.0.1');
  if (server === 'EADDRINUSE') return false;
  const held = await listening(port, counter);
  if (typeof server !== 'string') await new Promise((resolve) => server.close(resolve));
  if (typeof held !== 'string') held.unref();
  // Only Linux has all of 127.0.0.0/8 for itself.
  return typeof server !== 'string' && held !== 'EADDRINUSE';
}

/** Or the code of the error. */
async function listening(port: number, address: string): Promise<Server | string> {
  const server = createServer().listen(port, address);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

function ephemeralPortMin(): number {
  if (process.platform !== 'linux') return 49_152;
  const [min = ''] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t');
  // Where the kernel hands out nearly all there is no better choice than its usual one.
  return Number(min) > first + 4_096 ? Number(min) : 32_768;
}
