import { Metadata, status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { encodeCommand } from '@raftsman/mvcc';
import type { AuthClient } from '@raftsman/proto/gen/etcdserverpb/Auth.js';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { RangeRequest } from '@raftsman/proto/gen/etcdserverpb/RangeRequest.js';
import type { RangeResponse__Output } from '@raftsman/proto/gen/etcdserverpb/RangeResponse.js';
import type { RangeStreamResponse__Output } from '@raftsman/proto/gen/etcdserverpb/RangeStreamResponse.js';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { etcdLimits } from '../../src/etcd/limits.js';
import { ask, client, connect, serve } from './asking.js';
import { serveSingleMember, type Serving } from './single-member.js';

type Stream = ClientReadableStream<RangeStreamResponse__Output>;

const everything = { key: Buffer.of(0), rangeEnd: Buffer.of(0) };
const hasLeader = new Metadata();
hasLeader.set('hasleader', 'true');

const keyOf = (at: number): Buffer => Buffer.from(`k${String(at).padStart(5, '0')}`);
const put = (kv: KVClient, at: number, value: Buffer = Buffer.from(`v${at}`)) =>
  ask((done) => kv.put({ key: keyOf(at), value }, done));

/** Keys k00000 and on. */
async function withKeys(count: number, valueBytes = 10, config = {}) {
  const serving = await serve(config);
  const kv = client<KVClient>(serving, 'KV');
  for (let at = 0; at < count; at += 1) await put(kv, at, Buffer.alloc(valueBytes, at));
  return { serving, kv };
}

/** All parts; rejects with the status. */
async function partsOf(stream: Stream): Promise<readonly RangeResponse__Output[]> {
  const parts: RangeResponse__Output[] = [];
  for await (const { rangeResponse } of stream as AsyncIterable<RangeStreamResponse__Output>)
    parts.push(rangeResponse!);
  return parts;
}

/** Takes the first part, and the others when they are asked for. */
async function slowly(
  stream: Stream,
): Promise<{ readonly rest: () => Promise<readonly RangeResponse__Output[]> }> {
  const parts: RangeResponse__Output[] = [];
  const ended = new Promise<void>((resolve, reject) => stream.on('end', resolve).on('error', reject));
  ended.catch(() => undefined); // Whoever asks for the rest is told.
  const begun = new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('data', ({ rangeResponse }: RangeStreamResponse__Output) => {
      if (parts.push(rangeResponse!) > 1) return;
      stream.pause();
      resolve();
    });
  });
  await begun;
  return {
    rest: async () => {
      stream.resume();
      await ended;
      return parts;
    },
  };
}

/** As protobuf merges messages. */
const merged = (parts: readonly RangeResponse__Output[]): RangeResponse__Output => ({
  ...parts.at(-1)!,
  kvs: parts.flatMap(({ kvs }) => kvs),
});

/** As many pages of the store as were read. */
const pagesReadOf = ({ stateMachine }: Serving) => vi.spyOn(stateMachine.store, 'page').mock.calls;

/** Each key that is counted is a slice of its own; `counting` is told of each. Answers how many were counted in each turn of the event loop. */
function countsSlowly({ stateMachine }: Serving, counting: () => void = () => undefined): number[] {
  const limits: { rangeCountKeysPerSlice: number } = etcdLimits;
  const { rangeCountKeysPerSlice } = limits;
  limits.rangeCountKeysPerSlice = 1;
  onTestFinished(() => void (limits.rangeCountKeysPerSlice = rangeCountKeysPerSlice));
  const turns: number[] = [];
  let isNewTurn = true;
  const { store } = stateMachine;
  const page = store.page.bind(store);
  vi.spyOn(store, 'page').mockImplementation((range, at, bounds) => {
    if (bounds.keysMax === 1) {
      if (isNewTurn) {
        turns.push(0);
        setImmediate(() => (isNewTurn = true));
      }
      isNewTurn = false;
      turns.push(turns.pop()! + 1);
      counting();
    }
    return page(range, at, bounds);
  });
  return turns;
}

/** Resolves when nothing changes any more. */
async function settled(count: () => number): Promise<number> {
  for (let before = -1; before !== count();) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return count();
}

describe('a range in parts and the whole', () => {
  let serving: Serving;
  let kv: KVClient & { close(): void };
  beforeAll(async () => {
    serving = await serveSingleMember();
    kv = connect<KVClient>(serving, 'KV');
    for (let at = 0; at < 1_000; at += 1) await put(kv, at, Buffer.alloc(300, at));
    for (let at = 0; at < 1_000; at += 50) await ask((done) => kv.deleteRange({ key: keyOf(at) }, done));
  });
  afterAll(async () => {
    kv.close();
    await serving.close();
  });

  it.each<[string, RangeRequest]>([
    ['everything', everything],
    ['a part', { key: keyOf(100), rangeEnd: keyOf(900) }],
    ['one key', { key: keyOf(7) }],
    ['no key', { key: Buffer.from('x') }],
    ['an empty range', { key: keyOf(9), rangeEnd: keyOf(9) }],
    ['keys alone', { ...everything, keysOnly: true }],
    ['a count', { ...everything, countOnly: true }],
    ['a limited count', { ...everything, countOnly: true, limit: 5 }],
    ['the first', { ...everything, limit: 1 }],
    ['the first hundreds', { ...everything, limit: 750 }],
    ['as many as there are', { ...everything, limit: 1_000 }],
    ['more than there are', { ...everything, limit: 2_000 }],
    ['an earlier revision', { ...everything, revision: 700 }],
    ['the first of an earlier revision', { ...everything, revision: 700, limit: 600 }],
    ['in ascending order', { ...everything, sortOrder: 'ASCEND', limit: 900 }],
    ['what this member has', { ...everything, serializable: true }],
  ])('are the same: %s', async (_what, request) => {
    const whole = await ask<RangeResponse__Output>((done) => kv.range(request, done));
    const parts = await partsOf(kv.rangeStream(request));
    expect(merged(parts)).toEqual(whole);
    for (const { header, more, count } of parts.slice(0, -1))
      expect({ header, more, count }).toEqual({ header: null, more: false, count: '0' });
    const isLarge = whole.kvs.length > 500 && request.keysOnly !== true;
    expect(parts.length).toBeGreaterThan(isLarge ? 2 : 0);
  });
});

describe('a range in parts', () => {
  it('is of one revision, whatever is written meanwhile', async () => {
    const { kv } = await withKeys(40, 20_000);
    const whole = await ask<RangeResponse__Output>((done) => kv.range(everything, done));
    const stream = kv.rangeStream(everything);
    const parts: RangeResponse__Output[] = [];
    for await (const { rangeResponse } of stream as AsyncIterable<RangeStreamResponse__Output>) {
      parts.push(rangeResponse!);
      if (parts.length > 1) continue;
      await put(kv, 39, Buffer.from('changed'));
      await put(kv, 40, Buffer.from('new'));
      await ask((done) => kv.deleteRange({ key: keyOf(38) }, done));
    }
    expect(merged(parts)).toEqual(whole);
  });

  it('costs bounded memory while the client does not read, and goes on when it does', async () => {
    const { serving, kv } = await withKeys(100, 200_000);
    const pages = pagesReadOf(serving);
    const { rest } = await slowly(kv.rangeStream(everything));
    // What this client and the sockets hold, and one part more; each has one of these values.
    expect(await settled(() => pages.length)).toBeLessThan(60);
    expect(merged(await rest()).kvs).toHaveLength(100);
    expect(pages.length).toBeGreaterThanOrEqual(100);
  });

  it('ends with the client, who reads no more', async () => {
    const { serving, kv } = await withKeys(100, 200_000);
    const pages = pagesReadOf(serving);
    const stream = kv.rangeStream(everything);
    const { rest } = await slowly(stream);
    const read = await settled(() => pages.length);
    stream.cancel();
    await expect(rest()).rejects.toMatchObject({ code: status.CANCELLED });
    expect(await settled(() => pages.length)).toBeLessThanOrEqual(read + 1);
    expect(merged(await partsOf(kv.rangeStream(everything))).count).toBe('100');
  });

  it('ends with an error when its revision is compacted meanwhile', async () => {
    const { serving, kv } = await withKeys(100, 200_000);
    const pages = pagesReadOf(serving);
    const { rest } = await slowly(kv.rangeStream(everything));
    await settled(() => pages.length);
    await put(kv, 0);
    await ask((done) => kv.compact({ revision: 102, physical: true }, done));
    await expect(rest()).rejects.toMatchObject({
      code: status.OUT_OF_RANGE,
      details: 'etcdserver: mvcc: required revision has been compacted',
    });
  });

  it('goes on when only what is older is compacted', async () => {
    const { kv } = await withKeys(40, 20_000);
    await put(kv, 0);
    const whole = await ask<RangeResponse__Output>((done) => kv.range(everything, done));
    const { rest } = await slowly(kv.rangeStream(everything));
    await ask((done) => kv.compact({ revision: 41, physical: true }, done));
    expect(merged(await rest()).kvs).toEqual(whole.kvs);
  });
});

describe('what is beyond the limit of a range in parts', () => {
  it('is counted as it was, in one turn of the event loop after the other', async () => {
    const { serving, kv } = await withKeys(60, 20_000);
    const request = { ...everything, limit: 20 };
    const whole = await ask<RangeResponse__Output>((done) => kv.range(request, done));
    const turns = countsSlowly(serving);
    const streams = await Promise.all([1, 2].map(() => slowly(kv.rangeStream(request))));
    await put(kv, 59, Buffer.from('changed'));
    await put(kv, 60, Buffer.from('new'));
    await ask((done) => kv.deleteRange({ key: keyOf(58) }, done));
    const found = await Promise.all(streams.map(({ rest }) => rest()));
    for (const parts of found) expect({ ...merged(parts), header: whole.header }).toEqual(whole);
    expect(whole).toMatchObject({ more: true, count: '60' });
    expect(turns.length).toBeGreaterThanOrEqual(80);
    expect(new Set(turns)).toEqual(new Set([1]));
  });

  it('is counted in the same way when only a count was asked for', async () => {
    const { serving, kv } = await withKeys(60);
    const turns = countsSlowly(serving);
    const request = { ...everything, countOnly: true, revision: 41 };
    expect(merged(await partsOf(kv.rangeStream(request)))).toMatchObject({
      header: { revision: '61' },
      more: false,
      count: '40',
    });
    expect(turns).toEqual(Array.from({ length: 60 }, () => 1));
  });

  it('cannot be counted once its revision is compacted', async () => {
    const { serving, kv } = await withKeys(60);
    let counted = 0;
    countsSlowly(serving, () => {
      counted += 1;
      if (counted === 5) void serving.replica.propose(encodeCommand({ kind: 'compact', revision: 61 }));
    });
    await expect(partsOf(kv.rangeStream({ ...everything, limit: 1, revision: 41 }))).rejects.toMatchObject({
      code: status.OUT_OF_RANGE,
      details: 'etcdserver: mvcc: required revision has been compacted',
    });
    expect(counted).toBeLessThan(59);
  });
});

describe('a range in parts is refused', () => {
  it.each<[string, RangeRequest, Partial<ServiceError>]>([
    [
      'without a key',
      { key: Buffer.of() },
      { code: status.INVALID_ARGUMENT, details: 'etcdserver: key is not provided' },
    ],
    [
      'by an order of its own',
      { ...everything, sortOrder: 'DESCEND' },
      { code: status.UNIMPLEMENTED, details: 'RangeStream does not support custom sort orders' },
    ],
    ['by values', { ...everything, sortTarget: 'VALUE' }, { code: status.UNIMPLEMENTED }],
    [
      'with a filter',
      { ...everything, minModRevision: 3 },
      { code: status.UNIMPLEMENTED, details: 'RangeStream does not support revision filters' },
    ],
    ['of the future', { ...everything, revision: 99 }, { code: status.OUT_OF_RANGE }],
    [
      'of what is compacted',
      { ...everything, revision: 2 },
      {
        code: status.OUT_OF_RANGE,
        details: 'etcdserver: mvcc: required revision has been compacted',
      },
    ],
  ])('%s', async (_what, request, refusal) => {
    const { kv } = await withKeys(5);
    await ask((done) => kv.compact({ revision: 4 }, done));
    await expect(partsOf(kv.rangeStream(request))).rejects.toMatchObject(refusal);
  });

  it('to who may not read the whole range', async () => {
    const { serving, kv } = await withKeys(3);
    const auth = client<AuthClient>(serving, 'Auth');
    const done = async (answer: Promise<object>) => expect(await answer).not.toHaveProperty('details');
    for (const name of ['root', 'reader'])
      await done(ask((then) => auth.userAdd({ name, password: 'pw' }, then)));
    const perm = { permType: 'READ' as const, key: keyOf(0), rangeEnd: keyOf(2) };
    await done(ask((then) => auth.roleAdd({ name: 'some' }, then)));
    await done(ask((then) => auth.roleGrantPermission({ name: 'some', perm }, then)));
    await done(ask((then) => auth.userGrantRole({ user: 'root', role: 'root' }, then)));
    await done(ask((then) => auth.userGrantRole({ user: 'reader', role: 'some' }, then)));
    await done(ask((then) => auth.authEnable({}, then)));
    await expect(partsOf(kv.rangeStream(everything))).rejects.toMatchObject({
      details: 'etcdserver: user name is empty',
    });
    const login = { name: 'reader', password: 'pw' };
    const { token } = await ask<{ token: string }>((then) => auth.authenticate(login, then));
    const reader = new Metadata();
    reader.set('token', token);
    await expect(partsOf(kv.rangeStream(everything, reader))).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    });
    const permitted = { key: keyOf(0), rangeEnd: keyOf(2) };
    expect(merged(await partsOf(kv.rangeStream(permitted, reader))).kvs).toHaveLength(2);
  });

  it('by a learner', async () => {
    const { serving, kv } = await withKeys(1);
    serving.replica.change({ isLearner: true });
    await expect(partsOf(kv.rangeStream({ ...everything, serializable: true }))).rejects.toMatchObject({
      details: 'etcdserver: rpc not supported for learner',
    });
  });

  it('by a member that cannot confirm the present', async () => {
    const { serving, kv } = await withKeys(1);
    serving.replica.refusal = 'timeout';
    await expect(partsOf(kv.rangeStream(everything))).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect(await partsOf(kv.rangeStream({ ...everything, serializable: true }))).toHaveLength(1);
  });

  it('and ended without a leader, if the client wants one', async () => {
    const { serving, kv } = await withKeys(100, 200_000, { electionTimeoutMs: 20 });
    const noLeader = { code: status.UNAVAILABLE, details: 'etcdserver: no leader' };
    const pages = pagesReadOf(serving);
    const { rest } = await slowly(kv.rangeStream(everything, hasLeader));
    await settled(() => pages.length);
    serving.replica.change({ leader: null, role: 'follower' });
    await new Promise((resolve) => setTimeout(resolve, 3 * 20 + 100));
    await expect(rest()).rejects.toMatchObject(noLeader);
    await expect(partsOf(kv.rangeStream(everything, hasLeader))).rejects.toMatchObject(noLeader);
  });
});

describe('ranges in parts', () => {
  it('are counted', async () => {
    const { serving, kv } = await withKeys(3);
    await partsOf(kv.rangeStream(everything));
    const page = await (await fetch(`http://127.0.0.1:${serving.port}/metrics`)).text();
    expect(page).toMatch(/^etcd_mvcc_range_total 1$/m);
    expect(page).toMatch(
      /^grpc_server_handled_total\{grpc_service="etcdserverpb.KV",grpc_method="RangeStream",grpc_type="server_stream",grpc_code="OK"\} 1$/m,
    );
  });

  it('are no more than a member can keep', async () => {
    const limits: { rangeStreamsMax: number } = etcdLimits;
    const { rangeStreamsMax } = limits;
    limits.rangeStreamsMax = 2;
    try {
      const { kv } = await withKeys(100, 200_000);
      const streams = [1, 2].map(() => slowly(kv.rangeStream(everything)));
      const begun = await Promise.all(streams);
      await expect(partsOf(kv.rangeStream(everything))).rejects.toMatchObject({
        code: status.RESOURCE_EXHAUSTED,
      });
      for (const { rest } of begun) expect(merged(await rest()).count).toBe('100');
      expect(merged(await partsOf(kv.rangeStream(everything))).count).toBe('100');
    } finally {
      limits.rangeStreamsMax = rangeStreamsMax;
    }
  });

  it('are given up when the client takes nothing for long', async () => {
    const limits: { rangeStreamStallMs: number } = etcdLimits;
    const { rangeStreamStallMs } = limits;
    limits.rangeStreamStallMs = 200;
    try {
      const { kv } = await withKeys(100, 200_000);
      const { rest } = await slowly(kv.rangeStream(everything));
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await expect(rest()).rejects.toMatchObject({
        code: status.UNAVAILABLE,
        details: 'etcdserver: request timed out',
      });
    } finally {
      limits.rangeStreamStallMs = rangeStreamStallMs;
    }
  });
});
