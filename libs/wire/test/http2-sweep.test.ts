import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { flags, frame, frameTypes, settingsFrame } from '../src/http2/frames.js';
import { http2Limits } from '../src/http2/limits.js';
import { Sweeper } from '../src/http2/sweeper.js';
import { createGrpcServer, type GrpcServerOptions } from '../src/index.js';

const { keepaliveTimeMs, keepaliveTimeoutMs } = http2Limits;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
});

describe('a client of HTTP/2 that says nothing', () => {
  interface Client {
    readonly socket: Socket;
    /** Pings that came. */
    pings: number;
    closed: boolean;
  }

  /** `answers`: pings. */
  async function client(port: number, answers: boolean): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1' });
    onTestFinished(() => void socket.destroy());
    const state: Client = { socket, pings: 0, closed: false };
    socket.on('error', () => undefined);
    socket.on('close', () => (state.closed = true));
    let received = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      for (let size = 0; received.length >= 9; received = received.subarray(size)) {
        size = 9 + received.readUIntBE(0, 3);
        if (received.length < size) return;
        if (received[3] !== frameTypes.ping) continue;
        state.pings += 1;
        if (answers) socket.write(frame(frameTypes.ping, flags.ack, 0, received.subarray(9, size)));
      }
    });
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settingsFrame([])]));
    await once(socket, 'data');
    return state;
  }

  async function serve(options: GrpcServerOptions = {}): Promise<number> {
    const server = createGrpcServer([], { http: () => undefined, ...options });
    onTestFinished(() => server.close(0));
    return server.listen('127.0.0.1:0', 'insecure');
  }

  /** What was written has had time to arrive. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
  };

  it('stands still for nearly two minutes, and is still there', async () => {
    const still = await client(await serve(), false);
    await settle();
    vi.advanceTimersByTime(59_000);
    await settle();
    expect(still).toMatchObject({ pings: 0, closed: false });
    vi.advanceTimersByTime(1_000);
    await vi.waitUntil(() => still.pings === 1);
    vi.advanceTimersByTime(59_000);
    await settle();
    expect(still).toMatchObject({ pings: 1, closed: false });
  });

  it('is given up after two', async () => {
    const gone = await client(await serve(), false);
    await settle();
    vi.advanceTimersByTime(keepaliveTimeMs + keepaliveTimeoutMs);
    await vi.waitUntil(() => gone.closed);
    expect(keepaliveTimeMs + keepaliveTimeoutMs).toBeLessThanOrEqual(180_000);
  });

  it.each([
    [10_000, 5_000, { pings: 1, closed: true }],
    [10_000, 0, { pings: 1, closed: false }],
    [0, 5_000, { pings: 0, closed: false }],
  ])(
    'is asked after %d ms and given up after %d more, as the server is told',
    async (time, timeout, after) => {
      const options = { 'grpc.keepalive_time_ms': time, 'grpc.keepalive_timeout_ms': timeout };
      const gone = await client(await serve(options), false);
      await settle();
      vi.advanceTimersByTime(time + timeout);
      await vi.waitUntil(() => gone.closed === after.closed && gone.pings === after.pings);
      await settle();
      expect(gone).toMatchObject(after);
    },
  );

  it('is asked again and again as long as it answers', async () => {
    const quiet = await client(await serve(), true);
    await settle();
    for (let asked = 1; asked <= 4; asked += 1) {
      vi.advanceTimersByTime(keepaliveTimeMs);
      await vi.waitUntil(() => quiet.pings === asked);
      await settle();
    }
    expect(quiet.closed).toBe(false);
  });
});

describe('a sweep', () => {
  function sweeping(count: number) {
    const sweeper = new Sweeper({ intervalMs: 1_000, batchMax: 100 });
    const sweeps = Array.from({ length: count }, () => 0);
    const all = sweeps.map((_, at) => ({ sweep: (): void => void (sweeps[at]! += 1) }));
    for (const each of all) sweeper.add(each);
    onTestFinished(() => {
      for (const each of all) sweeper.delete(each);
    });
    return { sweeper, all, sweeps, done: () => sweeps.reduce((sum, each) => sum + each, 0) };
  }

  it('takes no more than a batch in one turn, and each once in a round', async () => {
    const { sweeps, done } = sweeping(10_000);
    vi.advanceTimersByTime(1_000);
    let last = done();
    expect(last).toBe(100);
    while (last < 10_000) {
      // A round that is not over is not begun again.
      vi.advanceTimersByTime(1_000);
      await setImmediate();
      expect(done() - last).toBeLessThanOrEqual(100);
      last = done();
    }
    expect(new Set(sweeps)).toEqual(new Set([1]));
    await setImmediate();
    vi.advanceTimersByTime(1_000);
    expect(done()).toBe(10_100);
  });

  it('follows what comes and goes, and ends with the last', async () => {
    const { sweeper, all, sweeps, done } = sweeping(250);
    vi.advanceTimersByTime(1_000);
    sweeper.delete(all[150]!);
    while (done() < 249) await setImmediate();
    expect(sweeps[150]).toBe(0);
    for (const each of all) sweeper.delete(each);
    expect(vi.getTimerCount()).toBe(0);
    sweeper.add(all[0]!);
    vi.advanceTimersByTime(1_000);
    expect(sweeps[0]).toBe(2);
  });
});
