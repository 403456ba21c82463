import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { logIndex, memberId, term, type MemberId, type Message } from '@raftsman/raft';
import { createLogger } from '@raftsman/telemetry';
import { listenShared } from '@raftsman/wire';
import { describe, expect, onTestFinished, test } from 'vitest';
import { storeLimits } from '../src/limits.js';
import { encodeMessages, type SentMessage } from '../src/replica/peers/codec.js';
import { Exchange } from '../src/replica/peers/exchange.js';
import { pingFrame } from '../src/replica/peers/frames.js';
import { encodeHello, encodeWelcome, type PeerEnd, type PeerWelcome } from '../src/replica/peers/greeting.js';
import { helloTo, peerProtocol, removedLine, type PeerIdentity } from '../src/replica/peers/hello.js';
import { Keepalive, type Swept } from '../src/replica/peers/keepalive.js';
import { PeerCall } from '../src/replica/peers/peer-call.js';
import { PeerLink } from '../src/replica/peers/peer-link.js';
import { noTraffic } from '../src/replica/peers/traffic.js';
import { until } from '../../../test/support/until.js';

const logger = createLogger({ component: 'test', level: 'silent' });
const [self, peer] = [memberId(1), memberId(2)];

const identityOf = (id: MemberId, changes: Partial<PeerIdentity> = {}): PeerIdentity => ({
  clusterId: 9,
  self: id,
  name: `m${id}`,
  clientUrls: [`http://m${id}:2379`],
  peerUrls: [],
  dataId: 100 + id,
  isRemoved: () => false,
  isMember: () => true,
  ...changes,
});

/** Sweeps when the test says so. */
class HandKeepalive extends Keepalive {
  readonly streams = new Set<Swept>();
  override add(stream: Swept): void {
    this.streams.add(stream);
  }
  override remove(stream: Swept): void {
    this.streams.delete(stream);
  }
}

const heartbeat = (readContext: number): SentMessage => ({
  from: peer,
  to: self,
  term: term(3),
  kind: 'heartbeat-request',
  commit: logIndex(5),
  readContext,
  heldByAll: logIndex(0),
  sentAtMs: 0,
});

const append = (sizeBytes: number): SentMessage => ({
  from: peer,
  to: self,
  term: term(3),
  kind: 'append-request',
  prevLogIndex: logIndex(0),
  prevLogTerm: term(0),
  commit: logIndex(0),
  heldByAll: logIndex(0),
  entries: [{ index: logIndex(1), term: term(3), type: 'normal', data: Buffer.alloc(sizeBytes, 7) }],
});

/** The peer port of member 1, and what it hears. */
async function listening(changes: Partial<PeerIdentity> = {}) {
  const heard = { messages: [] as Message[], unreachable: [] as MemberId[], greeted: [] as MemberId[] };
  const keepalive = new HandKeepalive();
  const data = new Map<MemberId, number>();
  const known = {
    peerDataId: (member: MemberId) => data.get(member),
    rememberPeer: async (member: MemberId, dataId: number) => void data.set(member, dataId),
  };
  const exchange = new Exchange(
    { identity: identityOf(self, changes), known, keepalive, logger },
    {
      greeted: (from) => heard.greeted.push(from),
      messages: (_from, messages) => heard.messages.push(...messages),
      unreachable: (from) => heard.unreachable.push(from),
      position: () => ({ term: 3, lastLogIndex: 7 }),
    },
  );
  const port = await listenShared('127.0.0.1:0', 'insecure', {
    http: (_request, response) => response.writeHead(404).end(),
    upgrade: { protocol: peerProtocol, take: (connection) => exchange.take(connection) },
  });
  onTestFinished(async () => {
    exchange.close();
    port.cut();
    await port.close();
  });
  const target = { target: `127.0.0.1:${port.port}`, security: 'insecure' as const };
  return { heard, exchange, keepalive, port: port.port, target };
}

/** A call, and what came of it. */
function calling(
  target: { readonly target: string; readonly security: 'insecure' },
  identity = identityOf(peer),
  question: { readonly rebuild?: boolean; readonly joining?: boolean } = {},
) {
  const got = { welcome: null as PeerWelcome | null, end: null as PeerEnd | null, drains: 0 };
  const call = new PeerCall(target, { ...helloTo(self, identity), ...question }, 20_000, {
    welcomed: (welcome) => void (got.welcome = welcome),
    drained: () => void (got.drains += 1),
    ended: (end) => void (got.end = end),
  });
  onTestFinished(() => call.close());
  return { call, got };
}

const welcomed = (got: { readonly welcome: PeerWelcome | null }) =>
  until('a welcome', () => got.welcome !== null);
const ended = (got: { readonly end: PeerEnd | null }) => until('the end', () => got.end ?? undefined);

/** A connection that has left HTTP/1.1, and everything that came over it. */
async function upgraded(port: number) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const got = { bytes: Buffer.alloc(0), closed: false };
  socket.on('data', (chunk) => (got.bytes = Buffer.concat([got.bytes, chunk])));
  socket.on('error', () => undefined);
  socket.on('close', () => (got.closed = true));
  socket.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${peerProtocol}\r\n\r\n`);
  await until('an answer', () => got.bytes.includes('\r\n\r\n'));
  expect(String(got.bytes)).toMatch(/^HTTP\/1.1 101 /);
  got.bytes = Buffer.alloc(0);
  return { socket, got };
}

const linkTo = (targets: readonly { readonly target: string; readonly security: 'insecure' }[]) => {
  const told = { opened: 0, broken: 0 };
  const traffic = noTraffic(self);
  const link = new PeerLink(
    { id: self, name: 'm1', targets },
    {
      opened: () => (told.opened += 1),
      broken: () => (told.broken += 1),
      disowned: () => undefined,
      removed: () => undefined,
    },
    { identity: identityOf(peer), keepalive: new HandKeepalive(), traffic, logger },
  );
  onTestFinished(() => link.close());
  return { link, told, traffic };
};

describe('a stream between two members', () => {
  test('brings messages of every size in their order, several at once', async () => {
    const { heard, target } = await listening();
    const { call, got } = calling(target);
    await welcomed(got);
    expect(got.welcome).toEqual({
      name: 'm1',
      clientUrls: ['http://m1:2379'],
      term: 3,
      lastLogIndex: 7,
      met: false,
    });
    const sent = [heartbeat(1), append(5_000_000), heartbeat(2), append(0), heartbeat(3)];
    call.write(encodeMessages(sent.slice(0, 2)));
    for (const message of sent.slice(2)) call.write(encodeMessages([message]));
    await until('all of them', () => heard.messages.length === sent.length);
    const [first, large, ...rest] = heard.messages;
    expect([first, ...rest]).toEqual(sent.toSpliced(1, 1));
    expect(large).toMatchObject({ kind: 'append-request' });
    const data = large?.kind === 'append-request' ? large.entries[0]!.data : Buffer.alloc(0);
    expect(Buffer.compare(data, Buffer.alloc(5_000_000, 7))).toBe(0);
    await until('room again', () => got.drains > 0);
  });

  test('says who is refused, removed or has lost its data, and only that', async () => {
    const { heard, target } = await listening({ isRemoved: (id) => id === 3 });
    const first = calling(target);
    await welcomed(first.got);
    const others = [
      calling(target, identityOf(peer, { clusterId: 8 })),
      calling(target, identityOf(memberId(3))),
      calling(target, identityOf(peer, { dataId: 5 })),
    ];
    const ends = await Promise.all(others.map(({ got }) => ended(got)));
    expect(ends.map(({ code }) => code)).toEqual(['refused', 'removed', 'lost']);
    expect(ends.map(({ details }) => details)).toEqual([
      expect.stringContaining('is of cluster 8, this is 9'),
      removedLine,
      expect.stringContaining('another data directory than before'),
    ]);
    expect(heard.greeted).toEqual([peer]);
    expect(first.got.end).toBeNull();
  });

  test('of a member that asks before it begins anew ends with the answer; that of its earlier life says so', async () => {
    const { heard, target } = await listening();
    const before = calling(target);
    await welcomed(before.got);
    const joining = calling(target, identityOf(peer, { dataId: 5 }), { joining: true });
    expect((await until('an answer', () => joining.got.welcome ?? undefined)).met).toBe(true);
    expect(before.got.end).toBeNull();
    const rebuilt = calling(target, identityOf(peer, { dataId: 5 }), { rebuild: true });
    await welcomed(rebuilt.got);
    expect(await ended(before.got)).toEqual({ code: 'lost', details: 'it is rebuilt elsewhere' });
    expect((await ended(rebuilt.got)).code).toBe('broken');
    expect(heard.unreachable).toEqual([peer]);
    expect(heard.greeted).toEqual([peer]);
  });

  test('counts until there is a newer one of the same member', async () => {
    const { heard, target } = await listening();
    const older = calling(target);
    await welcomed(older.got);
    const newer = calling(target);
    await welcomed(newer.got);
    await ended(older.got);
    expect(heard.unreachable).toEqual([]);
    newer.call.write(encodeMessages([heartbeat(1)]));
    await until('it', () => heard.messages.length === 1);
    newer.call.close();
    await until('the end of it', () => heard.unreachable.length === 1);
  });

  test('of a member that was removed meanwhile ends and says so', async () => {
    const removed = new Set<MemberId>();
    const { heard, exchange, target } = await listening({ isRemoved: (id) => removed.has(id) });
    const { got } = calling(target);
    await welcomed(got);
    exchange.dismissRemoved();
    expect(got.end).toBeNull();
    removed.add(peer);
    exchange.dismissRemoved();
    expect(await ended(got)).toEqual({ code: 'removed', details: removedLine });
    expect(heard.unreachable).toEqual([peer]);
  });

  test('that is reset is noticed at once on the other side', async () => {
    const { heard, port } = await listening();
    const { socket, got } = await upgraded(port);
    socket.write(encodeHello(helloTo(self, identityOf(peer))));
    await until('a welcome', () => got.bytes.length > 0);
    socket.resetAndDestroy();
    await until('the news', () => heard.unreachable.length > 0);
    expect(heard.unreachable).toEqual([peer]);
  });

  test('that goes silent is cut after so many sweeps, and one that pings is not', async () => {
    const { heard, keepalive, port } = await listening();
    const { socket, got } = await upgraded(port);
    socket.write(encodeHello(helloTo(self, identityOf(peer))));
    await until('a welcome', () => keepalive.streams.size === 1);
    const [stream] = keepalive.streams;
    const { peerKeepaliveTimeMs, peerKeepaliveTimeoutMs, peerSweepMs } = storeLimits;
    const sweepsToPing = peerKeepaliveTimeMs / peerSweepMs;
    const sweepsToEnd = (peerKeepaliveTimeMs + peerKeepaliveTimeoutMs) / peerSweepMs;
    await until('the welcome', () => got.bytes.length > 0);
    const before = got.bytes.length;
    for (let sweep = 0; sweep < sweepsToPing; sweep += 1) stream!.sweep();
    await until('a ping', () => got.bytes.length > before);
    expect(got.bytes.subarray(before)).toEqual(pingFrame);
    socket.write(Buffer.concat([pingFrame, encodeMessages([heartbeat(1)])]));
    await until('a message', () => heard.messages.length === 1);
    for (let sweep = 0; sweep < sweepsToEnd; sweep += 1) stream!.sweep();
    expect(heard.unreachable).toEqual([]);
    stream!.sweep();
    expect(heard.unreachable).toEqual([peer]);
    await until('the end', () => got.closed);
  });
});

describe('the peer port', () => {
  const hello = encodeHello(helloTo(self, identityOf(peer)));
  test.each([
    ['messages before a hello', encodeMessages([heartbeat(1)]), 'must say who is there'],
    ['a hello that is cut', Buffer.concat([Buffer.of(9, 0, 0, 0), hello.subarray(4, 13)]), 'ends too early'],
    ['a long hello', Buffer.of(0, 0, 1, 0, 1), 'a frame of 65536 bytes'],
    ['an empty frame', Buffer.alloc(4), 'a frame of 0 bytes'],
    ['a hello, then garbage', Buffer.concat([hello, Buffer.from('garbage')]), 'a frame of 1651663207 bytes'],
    ['a hello, then another', Buffer.concat([hello, hello]), 'frame kind 1 is not expected'],
    [
      'a hello, then a message that goes on',
      Buffer.concat([hello, Buffer.of(3, 0, 0, 0, 4, 10, 0)]),
      'ends too early',
    ],
  ])('is told %s: the stream ends and says why, others go on', async (_what, bytes, why) => {
    const { heard, port, target } = await listening();
    const { socket, got } = await upgraded(port);
    socket.write(bytes);
    await until('the end', () => got.closed);
    expect(String(got.bytes)).toContain(why);
    expect(heard.messages).toEqual([]);
    const { got: other } = calling(target);
    await welcomed(other);
  });

  test('takes so many connections that do not say who is there, and again when they are gone', async () => {
    const { port, target } = await listening();
    const silent = await Promise.all(Array.from({ length: storeLimits.strangersMax }, () => upgraded(port)));
    const refused = calling(target);
    expect((await ended(refused.got)).code).toBe('broken');
    for (const { socket } of silent) socket.destroy();
    const { told } = linkTo([target]);
    await until('a welcome', () => told.opened === 1);
  });

  test('answers what does not ask for this protocol', async () => {
    const { port } = await listening();
    const answer = async (headers: string): Promise<string> => {
      const socket = connect(port, '127.0.0.1');
      socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
      const [first] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return String(first);
    };
    expect(await answer('')).toMatch(/^HTTP\/1.1 404 /);
    expect(await answer('Connection: Upgrade\r\nUpgrade: raftsman-peer/3\r\n')).toMatch(
      /^HTTP\/1.1 426 .*\r\nUpgrade: raftsman-peer\/4\r\n/s,
    );
  });
});

/** A port at which nobody answers, until somebody does. */
async function silentPort(onConnection: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

describe('a link to a peer', () => {
  test('leads to whichever of its targets has the peer', async () => {
    let asked = 0;
    const silent = await silentPort(() => (asked += 1));
    const http = await silentPort((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    const { target, heard } = await listening();
    const insecure = (port: number) => ({ target: `127.0.0.1:${port}`, security: 'insecure' as const });
    const { link, told } = linkTo([insecure(silent.port), insecure(http.port), target]);
    link.send(heartbeat(1));
    await until('a connection', () => told.opened === 1);
    await until('what waited', () => heard.messages.length === 1);
    expect(asked).toBeGreaterThan(0);
    expect(link.target).toBe(target);
  });

  test('hurries when the peer was heard, and tells when it breaks', async () => {
    const { exchange, target } = await listening();
    const { link, told, traffic } = linkTo([target]);
    await until('a connection', () => told.opened === 1);
    expect(traffic).toMatchObject({ isActive: true, disconnects: 0 });
    exchange.close();
    await until('the news', () => told.broken === 1);
    link.hurry();
    await until('a connection', () => told.opened === 2);
    link.hurry();
    expect(told).toEqual({ opened: 2, broken: 1 });
    expect(traffic).toMatchObject({ isActive: true, disconnects: 1 });
  });

  test('keeps no more than its queue for a peer that does not read', async () => {
    const taken: Socket[] = [];
    const deaf = await listenShared('127.0.0.1:0', 'insecure', {
      http: (_request, response) => response.end(),
      upgrade: {
        protocol: peerProtocol,
        take: (socket) => {
          taken.push(socket);
          // A welcome of m1, and never a byte read.
          socket.write(encodeWelcome({ name: 'm1', clientUrls: [], term: 0, lastLogIndex: 0, met: false }));
        },
      },
    });
    onTestFinished(async () => {
      deaf.cut();
      await deaf.close();
    });
    const { link, told, traffic } = linkTo([{ target: `127.0.0.1:${deaf.port}`, security: 'insecure' }]);
    await until('a connection', () => told.opened === 1);
    const before = process.memoryUsage().arrayBuffers;
    const shared = append(256 * 1024);
    for (let count = 0; count < 500; count += 1) {
      link.send(shared);
      link.flush();
    }
    // Frames that were handed over are copies: without back-pressure these were 125 MiB.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
    expect(traffic.sentBytes).toBeGreaterThan(256 * 1024);
    expect(traffic.droppedMessages).toBeGreaterThan(100);
  });
});
