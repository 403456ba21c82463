import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { wireLimits } from '@raftsman/wire';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { httpLimits } from '../../src/http/limits.js';
import { serveSingleMember } from '../etcd/single-member.js';

vi.mock(import('../../../../libs/wire/src/limits.js'), async (original) => {
  const { wireLimits: real } = await original();
  const soon = { httpHeadersTimeoutMs: 200, httpCheckIntervalMs: 50, httpBodyTimeoutMs: 300 };
  return { wireLimits: { ...real, ...soon } as unknown as typeof real };
});

let port = 0;
beforeEach(async () => {
  const serving = await serveSingleMember();
  onTestFinished(() => serving.close());
  ({ port } = serving);
});

/** Room for so many bytes of all requests together. */
function withRoomFor(bytes: number): void {
  const limits: { bodyBytesTotalMax: number } = httpLimits;
  const { bodyBytesTotalMax } = limits;
  limits.bodyBytesTotalMax = bytes;
  onTestFinished(() => void (limits.bodyBytesTotalMax = bodyBytesTotalMax));
}

/** Resolves with the status of a request of 1,000 bytes. */
const statusOfAnother = async (): Promise<number> => {
  const body = `{"key":"YQ=="${' '.repeat(987)}}`;
  return (await fetch(`http://127.0.0.1:${port}/v3/kv/range`, { method: 'POST', body })).status;
};

/** A connection whose request has a body that has not ended. */
interface Exchange {
  send(text: string): void;
  readonly said: string;
  readonly socket: Socket;
}

function post(path: string): Exchange {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const state = { socket, said: '', send: (text: string) => void socket.write(chunk(text)) };
  socket.on('data', (bytes: Buffer) => (state.said += bytes.toString()));
  socket.on('error', () => undefined);
  socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
  return state;
}

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const hears = (exchange: Exchange, text: string): Promise<void> =>
  vi.waitFor(() => expect(exchange.said).toContain(text), 20_000);
/** Longer than any body may take that is no stream's. */
const longer = (): Promise<void> => sleep(4 * wireLimits.httpBodyTimeoutMs);

describe('a stream over HTTP', () => {
  it('lasts longer than other requests, with its body open, and takes requests all the time', async () => {
    const watch = post('/v3/watch');
    await longer();
    watch.send('{"create_request":{"key":"YQ=="}}');
    await hears(watch, '"created":true');
    await longer();
    watch.send('{"create_request":{"key":"Yg=="}} ');
    await hears(watch, '"watch_id":"1"');
    expect(watch.socket.closed).toBe(false);
  });

  it('keeps a lease alive from time to time', async () => {
    const renewals = post('/v3/lease/keepalive');
    for (let count = 1; count <= 2; count += 1) {
      renewals.send('{"ID":"7"}');
      await vi.waitFor(() => expect(renewals.said.split('"ID":"7"')).toHaveLength(count + 1), 20_000);
      await longer();
    }
    expect(renewals.socket.closed).toBe(false);
  });

  it('ends when a message that has begun does not', async () => {
    const watch = post('/v3/watch');
    watch.send('{"create_request":{"key":"YQ=="}}{"create_request":');
    await hears(watch, '"created":true');
    const dripping = setInterval(() => watch.send(' '), 20);
    onTestFinished(() => clearInterval(dripping));
    await expect.poll(() => watch.socket.closed).toBe(true);
  });

  it('holds nothing between two messages, whatever came after the last', async () => {
    withRoomFor(10_000);
    const streams = Array.from({ length: 8 }, () => post('/v3/lease/keepalive'));
    for (const [at, stream] of streams.entries()) {
      if (at % 2 === 0) stream.send('{"ID":"7"}');
      for (let count = 0; count < 4; count += 1) stream.send(' \n'.repeat(1_000));
      await sleep(20);
    }
    await longer();
    expect(await statusOfAnother()).toBe(200);
    expect(streams.map(({ socket }) => socket.closed)).not.toContain(true);
  });

  it('holds what has begun no longer than that may take', async () => {
    withRoomFor(10_000);
    const streams = Array.from({ length: 3 }, () => post('/v3/lease/keepalive'));
    for (const stream of streams) stream.send(`{"ID":"7"}{"ID":${' '.repeat(3_100)}`);
    await expect.poll(statusOfAnother, { interval: 10 }).toBe(429);
    await expect.poll(statusOfAnother).toBe(200);
    for (const { socket } of streams) await expect.poll(() => socket.closed).toBe(true);
  });

  it('is limited again once it is answered', async () => {
    const refused = post('/v3/watch');
    refused.send('{"create_request":{"key":"YQ=="}}');
    await hears(refused, '"created":true');
    refused.send('x');
    await hears(refused, 'invalid character');
    const dripping = setInterval(() => refused.send(' '), 20);
    onTestFinished(() => clearInterval(dripping));
    await expect.poll(() => refused.socket.closed).toBe(true);
  });
});

it.each(['/v3/kv/range', '/v3/nothing', '/metrics'])('a body of %s that drips is cut', async (path) => {
  const exchange = post(path);
  const dripping = setInterval(() => exchange.send(' '), 20);
  onTestFinished(() => clearInterval(dripping));
  await expect.poll(() => exchange.socket.closed).toBe(true);
});
