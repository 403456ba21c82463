import { crc32 } from 'node:zlib';
import { status, type ServiceError } from '@grpc/grpc-js';
import { Journal, type StateRow, type StateView } from '@raftsman/journal';
import type { SnapshotFrame } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotFrame.js';
import { configurationOf, encodeConfiguration, logIndex, memberId, term } from '@raftsman/raft';
import { createLogger } from '@raftsman/telemetry';
import { createGrpcServer, serviceDefinition } from '@raftsman/wire';
import { describe, expect, onTestFinished, test } from 'vitest';
import { storeLimits } from '../src/limits.js';
import { KeptStates } from '../src/replica/kept-states.js';
import { createPeerClient } from '../src/replica/peers/client.js';
import { peerProto, peerService } from '../src/replica/peers/contract.js';
import { Grace } from '../src/replica/peers/grace.js';
import { helloTo } from '../src/replica/peers/hello.js';
import { OutgoingState } from '../src/replica/peers/outgoing-state.js';
import { SnapshotReceiver } from '../src/replica/peers/snapshot-receiver.js';
import { sendSnapshot } from '../src/replica/peers/snapshot-sender.js';
import { CuttingProxy } from './cutting-proxy.js';
import { temporaryDirectory, TestCluster } from './replica-fixture.js';
import { until } from '../../../test/support/until.js';

const sender = memberId(1);
const self = memberId(2);
const configuration = configurationOf([sender, self, memberId(3)]);
const logger = createLogger({ component: 'test', level: 'silent' });
const identityOf = (id: typeof self) => ({
  clusterId: 9,
  self: id,
  name: `m${id}`,
  clientUrls: [],
  peerUrls: [],
  dataId: 100 + id,
  isRemoved: () => false,
  isMember: () => true,
});

/** What gRPC says of it. */
const streamBroke = /^(?:13 INTERNAL|14 UNAVAILABLE): /;

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** 1,024 rows of 16 KiB: 16 MiB in 64 frames. */
const allRows: readonly StateRow[] = Array.from({ length: 1_024 }, (_, at) => ({
  key: Buffer.from(`k${String(at).padStart(5, '0')}`),
  value: Buffer.alloc(16 * kibibyte, at % 251),
}));
/** What the buffers between the two hold at the very most, in rows. */
const windowRows = 512;

/** A state whose rows are counted as they are read. */
function countedState(rows = allRows, index = 50, keepMs: number = storeLimits.snapshotKeepMs) {
  const counted = { readRows: 0, closed: false };
  const view: StateView = {
    meta: { index: logIndex(index), term: term(3), configuration },
    async *rows(after = null) {
      for (const row of rows) {
        if (after !== null && Buffer.compare(row.key, after) <= 0) continue;
        counted.readRows += 1;
        yield row;
      }
    },
    close: async () => void (counted.closed = true),
  };
  const state = new OutgoingState(view, keepMs);
  return { state, counted };
}

/** A member that takes in snapshots, behind a proxy. */
async function receiving(keepMs: number = storeLimits.snapshotKeepMs) {
  const directory = await temporaryDirectory();
  const journal = await Journal.open(directory, { memberId: self, clusterId: 9, name: 'm2' }, configuration);
  const receiver = new SnapshotReceiver({
    identity: identityOf(self),
    journal,
    logger,
    keepMs,
    deliver: async (_from, messageTerm, staged) => {
      const hardState = { term: term(messageTerm), vote: null, commit: staged.meta.index };
      await journal.write({ entries: [], install: staged, hardState, sync: true });
      return true;
    },
  });
  const server = createGrpcServer(
    [
      {
        protoFile: peerProto,
        definition: serviceDefinition(peerProto, peerService),
        implementation: {
          InstallSnapshot: receiver.receive.bind(receiver),
          SnapshotPosition: receiver.tellPosition.bind(receiver),
        },
      },
    ],
    { reflection: false, http: (_request, response) => response.writeHead(404).end() },
  );
  const port = await server.listen('127.0.0.1:0', 'insecure');
  const proxy = await CuttingProxy.open(port);
  onTestFinished(async () => {
    await server.close(0);
    receiver.close();
    await journal.close();
  });
  const target = { target: `127.0.0.1:${proxy.port}`, security: 'insecure' as const };
  /** As the core does: again while the peer has not noticed that the stream before this one broke. */
  const send = async (state: OutgoingState, from = sender): Promise<boolean> => {
    for (;;) {
      try {
        return await sendSnapshot(state, 3, self, target, identityOf(from));
      } catch (error) {
        if ((error as Partial<ServiceError>).code !== status.RESOURCE_EXHAUSTED) throw error;
      }
    }
  };
  const client = createPeerClient(target);
  onTestFinished(() => client.close());
  const hello = helloTo(self, identityOf(sender));
  /** Rows of the state that are there; null: it is busy with a stream. */
  const position = (stateId: number): Promise<number | null> =>
    new Promise((resolve, reject) =>
      client.snapshotPosition({ hello, stateId }, (error, answer) => {
        if (answer) resolve(Number(answer.rowCount));
        else if (error?.code === status.RESOURCE_EXHAUSTED) resolve(null);
        else reject(error);
      }),
    );
  return { journal, proxy, send, client, position };
}

/** In a form that is compared quickly. */
const digests = (rows: readonly StateRow[]): string[] =>
  rows.map(({ key, value }) => `${Buffer.from(key).toString()} ${value.length} ${crc32(value)}`);

async function rowsOf(journal: Journal): Promise<string[]> {
  const rows: StateRow[] = [];
  for await (const batch of journal.rowBatches()) rows.push(...batch);
  return digests(rows);
}

describe('a snapshot whose stream is cut', () => {
  test('goes on where it was cut', async () => {
    const { journal, proxy, send } = await receiving();
    const { state, counted } = countedState();
    proxy.cut(1, 12 * mebibyte);
    await expect(send(state)).rejects.toThrow(streamBroke);
    const first = counted.readRows;
    expect(first).toBeGreaterThan(700);
    expect(await send(state)).toBe(true);
    expect(state.takenRowCount).toBeGreaterThan(first - windowRows);
    expect(counted.readRows).toBeLessThanOrEqual(allRows.length + windowRows);
    expect(await rowsOf(journal)).toEqual(digests(allRows));
  });

  test('gets there however often it is cut', async () => {
    const { journal, proxy, send } = await receiving();
    const { state, counted } = countedState();
    proxy.cut(Infinity, 8 * mebibyte);
    let attempts = 0;
    for (let isDelivered = false; !isDelivered; attempts += 1) {
      expect(attempts).toBeLessThan(10);
      isDelivered = await send(state).catch(() => false);
    }
    expect(attempts).toBeGreaterThan(1);
    expect(counted.readRows).toBeLessThanOrEqual(allRows.length + attempts * windowRows);
    expect(await rowsOf(journal)).toEqual(digests(allRows));
  });

  test('begins again when what came was not kept so long', async () => {
    const { journal, proxy, send, position } = await receiving(0);
    const { state, counted } = countedState();
    proxy.cut(1, 8 * mebibyte);
    await expect(send(state)).rejects.toThrow(streamBroke);
    const first = counted.readRows;
    while ((await position(state.id)) !== 0);
    expect(await send(state)).toBe(true);
    expect(state.takenRowCount).toBe(0);
    expect(counted.readRows).toBe(first + allRows.length);
    expect(await rowsOf(journal)).toEqual(digests(allRows));
  });

  test('begins again when it is another state, or that of another member', async () => {
    for (const from of [sender, memberId(3)]) {
      const { journal, proxy, send } = await receiving();
      proxy.cut(1, 8 * mebibyte);
      await expect(send(countedState().state)).rejects.toThrow(streamBroke);
      const newer = allRows.map(({ key }) => ({ key, value: Buffer.from('newer') }));
      const { state, counted } = countedState(newer, 60);
      // It believes that a stream of it was cut.
      state.sending({ rowCount: 16, crc32: 1, lastKey: newer[15]!.key });
      expect(await send(state, from)).toBe(true);
      expect(counted.readRows).toBe(newer.length);
      expect(await rowsOf(journal)).toEqual(digests(newer));
      expect(journal.durableState.index).toBe(60);
    }
  });

  test('what a peer says it has and was not sent is not believed', () => {
    const { state } = countedState();
    const mark = { rowCount: 16, crc32: 7, lastKey: Buffer.from('k') };
    state.sending(mark);
    expect(state.beginAfter({ rowCount: 16, crc32: 7 })).toEqual(mark);
    expect(state.isUnderWay).toBe(true);
    expect(state.beginAfter({ rowCount: 16, crc32: 8 })).toMatchObject({ rowCount: 0, lastKey: null });
    expect(state.isUnderWay).toBe(false);
  });

  test('what goes on elsewhere or does not add up is refused, and nothing of it is left', async () => {
    const { client, journal, position } = await receiving();
    const hello = helloTo(self, identityOf(sender));
    const [row] = allRows;
    const stream = (afterRowCount: number, ...frames: SnapshotFrame[]): Promise<status> =>
      new Promise((resolve) => {
        const call = client.installSnapshot((error) => resolve(error?.code ?? status.OK));
        call.on('error', () => undefined);
        const header = { hello, term: 3, index: 50, indexTerm: 3, stateId: 5, afterRowCount };
        call.write({ header: { ...header, configuration: encodeConfiguration(configuration) } });
        for (const frame of frames) call.write(frame);
        call.end();
      });
    expect(await stream(1, { rows: { rows: [row!] } })).toBe(status.ABORTED);
    expect(await position(5)).toBe(0);
    expect(await stream(0, { rows: { rows: [row!] } })).toBe(status.ABORTED);
    expect(await position(5)).toBe(1);
    expect(await position(6)).toBe(0);
    expect(await stream(2, { end: { rowCount: 2, crc32: 0 } })).toBe(status.ABORTED);
    expect(await position(5)).toBe(1);
    expect(await stream(1, { end: { rowCount: 1, crc32: 0 } })).toBe(status.DATA_LOSS);
    expect(await position(5)).toBe(0);
    expect(await rowsOf(journal)).toEqual([]);
  });

  test('is kept longer only if it got further', () => {
    const grace = new Grace(100);
    expect(grace.cutAfter(0, 1_000)).toBe(100);
    expect(grace.cutAfter(0, 1_060)).toBe(40);
    expect(grace.cutAfter(5, 1_090)).toBe(100);
    expect(grace.cutAfter(5, 1_500)).toBe(0);
  });
});

describe('states that are kept for peers', () => {
  test('are few, closed when they are let go, and not of a time before the log', async () => {
    const kept = new KeptStates(logger);
    const states = [1, 2, 3].map(() => countedState());
    for (const [at, { state }] of states.entries()) await kept.keep(memberId(at + 1), state);
    expect(kept.size).toBe(storeLimits.snapshotsKeptMax);
    expect(states.map(({ counted }) => counted.closed)).toEqual([true, false, false]);
    expect(await kept.take(memberId(1), 0)).toBeNull();
    expect(await kept.take(memberId(2), 50)).toBe(states[1]!.state);
    expect(states[1]!.counted.closed).toBe(false);
    expect(await kept.take(memberId(3), 51)).toBeNull();
    expect(states[2]!.counted.closed).toBe(true);
    await kept.keep(memberId(2), states[1]!.state);
    await kept.clear();
    expect(states[1]!.counted.closed).toBe(true);
    const brief = countedState(allRows, 50, 0);
    await kept.keep(memberId(2), brief.state);
    await until('its time is over', () => brief.counted.closed);
    expect(kept.size).toBe(0);
  });
});

test('a follower behind a bad link gets the state of the leader, and little of it twice', async () => {
  const proxies = await Promise.all([1, 2, 3].map(() => CuttingProxy.open()));
  const byHost = new Map<string, CuttingProxy>();
  const proxyOf = (url: string): CuttingProxy => {
    const { host, port } = new URL(url);
    const proxy = byHost.get(host) ?? proxies[byHost.size]!;
    proxy.leadTo(Number(port));
    byHost.set(host, proxy);
    return proxy;
  };
  const cluster = await TestCluster.create(3, {
    snapshotCount: 50,
    snapshotCatchUpEntries: 20,
    targetsOf: (urls) =>
      urls.map((url) => ({ target: `127.0.0.1:${proxyOf(url).port}`, security: 'insecure' })),
  });
  await cluster.startAll();
  const away = await cluster.follower();
  const { id } = away.running.replica.status();
  const [url] = away.running.replica.members().find((member) => member.id === id)!.peerUrls;
  await cluster.stop(away.name);
  const leader = await cluster.leader();
  const value = 'v'.repeat(32 * kibibyte);
  for (let group = 0; group < 16; group++)
    await Promise.all(
      Array.from({ length: 32 }, (_, at) =>
        leader.running.replica.propose(Buffer.from(`g${group}-${at}=${value}`)),
      ),
    );
  const proxy = proxyOf(url!);
  proxy.cut(2, 8 * mebibyte);
  const back = await cluster.start(away.name);
  await until('the state is there', () => back.stateMachine.values.size === 512);
  expect(back.stateMachine.values).toEqual(leader.stateMachine.values);
  expect(proxy.cuts).toBe(2);
  expect(proxy.carriedBytes).toBeLessThan(512 * value.length + proxy.cuts * 6 * mebibyte);
});
