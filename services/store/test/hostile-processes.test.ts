import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { flags, frame, frameTypes, settingsFrame } from '../../../libs/wire/src/http2/frames.js';
import { until } from '../../../test/support/until.js';
import { build, call, StoreProcesses } from './replica-process-fixture.js';

beforeAll(build, 120_000);

const mebibyte = 1024 * 1024;
/** Files that this process needs beside the connections. */
const otherFiles = 1_000;

async function residentBytes(pid: number): Promise<number> {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kib) * 1024;
}

const filesOf = async (pid: number): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;

/** Soft limit of this process, which those that it starts inherit. */
async function filesMax(): Promise<number> {
  const [, soft] = /Max open files\s+(\d+)/.exec(await readFile('/proc/self/limits', 'utf8'))!;
  return Number(soft);
}

async function startOne(
  flags: readonly string[] = [],
): Promise<{ stores: StoreProcesses; port: number; pid: number }> {
  const stores = await StoreProcesses.create(flags, 1);
  stores.startAll();
  await stores.serving('m1');
  await stores.leader();
  const target = stores.clients('m1').kv.getChannel().getTarget();
  return { stores, port: Number(target.split(':').at(-1)), pid: stores.pid('m1') };
}

const put = ({ kv }: { readonly kv: Client }, key: string, value: Buffer | string = 'v') =>
  call(kv, 'put', { key: Buffer.from(key), value: Buffer.from(value) });

const beginning = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settingsFrame([])]);
const pong = frame(frameTypes.ping, flags.ack, 0, Buffer.alloc(8));

/** Speaks HTTP/2 so far that it is a connection, and nothing after that but answers to pings, if at all. */
async function idle(port: number, answers: () => boolean): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(beginning);
  // Few and small: each comes in one piece. Any acknowledgement is a sign of life.
  socket.on('data', () => answers() && socket.write(pong));
  return socket;
}

describe('a member as a process', { timeout: 180_000 }, () => {
  test('bears ten thousand idle connections, serves others, and lets go of those that are dead', async () => {
    const impatient = ['--grpc-keepalive-interval=5s', '--grpc-keepalive-timeout=5s'];
    const { stores, port, pid } = await startOne(impatient);
    const clients = stores.clients('m1');
    await put(clients, 'before');
    const count = Math.min(10_000, (await filesMax()) - otherFiles);
    const [residentBefore, filesBefore] = [await residentBytes(pid), await filesOf(pid)];
    let alive = true;
    const sockets: Socket[] = [];
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    while (sockets.length < count) {
      const batch = Array.from({ length: Math.min(200, count - sockets.length) }, () =>
        idle(port, () => alive),
      );
      sockets.push(...(await Promise.all(batch)));
    }
    // The kernel has them; the member takes them one by one.
    await until('all to be taken', async () => (await filesOf(pid)) - filesBefore >= count, 60_000);
    for (let at = 0; at < 50; at += 1) await put(clients, `among-${at}`);
    const perConnection = ((await residentBytes(pid)) - residentBefore) / count;
    console.log(`${count} idle connections, ${Math.round(perConnection / 1024)} KiB each`);
    expect(perConnection).toBeLessThan(32 * 1024);
    // From here on they are half-open: nobody is at the other end any more, and nothing says so.
    alive = false;
    for (const socket of sockets) socket.pause();
    await until('the dead to be gone', async () => (await filesOf(pid)) < filesBefore + 100, 60_000);
    await put(clients, 'after');
  });

  test('bears watchers that never read while 100 MiB are written: others see every event', async () => {
    const { stores, pid } = await startOne();
    const clients = stores.clients('m1');
    const watching = (key: string): ClientDuplexStream<object, Watched> => {
      const stream = (clients.watch as unknown as Watches).watch();
      stream.on('error', () => undefined);
      onTestFinished(() => stream.cancel());
      stream.write({ createRequest: { key: Buffer.from(key), rangeEnd: Buffer.from(`${key}~`) } });
      return stream;
    };
    const slow = Array.from({ length: 20 }, () => watching('k'));
    for (const stream of slow) {
      await once(stream, 'data'); // That it was created.
      stream.pause();
    }
    const quick = watching('k');
    const seen: string[] = [];
    quick.on('data', ({ events }: Watched) => seen.push(...events.map(({ kv }) => kv.key.toString())));
    await put(clients, 'k');
    await until('the first event', () => seen.length === 1);
    const residentBefore = await residentBytes(pid);
    const value = Buffer.alloc(256 * 1024, 'x');
    const names = Array.from({ length: 400 }, (_, at) => `k${String(at).padStart(3, '0')}`);
    for (const name of names) await put(clients, name, value);
    await until('every event', () => seen.length === names.length + 1, 60_000);
    expect(seen).toEqual(['k', ...names]);
    // The keys themselves are 100 MiB; twenty buffers of as much would be 2 GiB more.
    const grownMiB = ((await residentBytes(pid)) - residentBefore) / mebibyte;
    console.log(`20 watchers that do not read: ${Math.round(grownMiB)} MiB more for 100 MiB of keys`);
    expect(grownMiB).toBeLessThan(450);
  });
});

interface Watched {
  readonly events: readonly { readonly kv: { readonly key: Buffer } }[];
}
interface Watches {
  watch(): ClientDuplexStream<object, Watched>;
}
