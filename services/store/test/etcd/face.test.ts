import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import type { HashKVResponse__Output } from '@raftsman/proto/gen/etcdserverpb/HashKVResponse.js';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { MaintenanceClient } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import type { StatusResponse__Output } from '@raftsman/proto/gen/etcdserverpb/StatusResponse.js';
import type { WatchClient } from '@raftsman/proto/gen/etcdserverpb/Watch.js';
import type { WatchResponse__Output } from '@raftsman/proto/gen/etcdserverpb/WatchResponse.js';
import { encodeCommand, noLease } from '@raftsman/mvcc';
import { term } from '@raftsman/raft';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../../../test/support/until.js';
import { ReplicaError } from '../../src/contract.js';
import { ask, client, serve } from './asking.js';
import type { Serving } from './single-member.js';

const put = (kv: KVClient, key: string, value: string | Buffer = 'v', more: object = {}) =>
  ask((done) => kv.put({ key: Buffer.from(key), value: Buffer.from(value), ...more }, done));

function watch(serving: Serving, metadata = new Metadata()) {
  const stream = client<WatchClient>(serving, 'Watch').watch(metadata);
  const received: WatchResponse__Output[] = [];
  const ended: ServiceError[] = [];
  stream.on('data', (response: WatchResponse__Output) => received.push(response));
  stream.on('error', (error: ServiceError) => ended.push(error));
  onTestFinished(() => stream.cancel());
  return { stream, received, ended, events: () => received.flatMap(({ events }) => events) };
}

const everything = { key: Buffer.from('\0'), rangeEnd: Buffer.from('\0') };

describe('what the replica refuses', () => {
  it.each([
    ['no-leader', status.UNAVAILABLE, 'etcdserver: no leader'],
    ['timeout', status.UNAVAILABLE, 'etcdserver: request timed out'],
    ['too-many-requests', status.RESOURCE_EXHAUSTED, 'etcdserver: too many requests'],
    ['stopped', status.UNAVAILABLE, 'etcdserver: server stopped'],
    ['leader-changed', status.UNAVAILABLE, 'etcdserver: leader changed'],
  ] as const)('%s becomes etcd’s status', async (code, grpcCode, details) => {
    const serving = await serve();
    const kv = client<KVClient>(serving, 'KV');
    await put(kv, 'k');
    serving.replica.refusal = code;
    expect(await put(kv, 'k')).toEqual({ code: grpcCode, details });
    const range = { key: Buffer.from('k') };
    expect(await ask((done) => kv.range(range, done))).toEqual({ code: grpcCode, details });
    const stale = await ask((done) => kv.range({ ...range, serializable: true }, done));
    expect(stale).toMatchObject({ count: '1' });
    const request = { success: [{ requestRange: { ...range, serializable: true } }] };
    expect(await ask((done) => kv.txn(request, done))).toMatchObject({ succeeded: true });
    const mixed = { success: [...request.success, { requestRange: range }] };
    expect(await ask((done) => kv.txn(mixed, done))).toEqual({ code: grpcCode, details });
    // Nothing in it says that the comparison may be stale: it may be what a lock's holder asks.
    const question = {
      compare: [{ ...range, target: 'VERSION' as const, result: 'EQUAL' as const, version: 1 }],
    };
    expect(await ask((done) => kv.txn(question, done))).toEqual({ code: grpcCode, details });
  });
});

describe('a client that requires a leader', () => {
  const metadata = new Metadata();
  metadata.set('hasleader', 'true');

  it('is refused, and its watch ended, when there is none for long enough', async () => {
    const serving = await serve({ electionTimeoutMs: 20 });
    const { stream, received, ended } = watch(serving, metadata);
    const patient = watch(serving);
    stream.write({ createRequest: everything });
    patient.stream.write({ createRequest: everything });
    await until('both watches', () => received.length === 1 && patient.received.length === 1);
    serving.replica.change({ leader: null, role: 'follower' });
    const kv = client<KVClient>(serving, 'KV');
    const refused = await ask((done) =>
      kv.range({ key: Buffer.from('k'), serializable: true }, metadata, done),
    );
    expect(refused).toEqual({ code: status.UNAVAILABLE, details: 'etcdserver: no leader' });
    await until('the end', () => ended.length === 1);
    expect(ended[0]).toMatchObject({ code: status.UNAVAILABLE, details: 'etcdserver: no leader' });
    const late = watch(serving, metadata);
    await until('the refusal', () => late.ended.length === 1);
    expect(patient.ended).toEqual([]);
    expect(serving.stateMachine.watches.size).toBe(1);
  });
});

describe('a slow watcher', () => {
  it('costs bounded memory, and gets everything in order once it reads again', async () => {
    const serving = await serve();
    const kv = client<KVClient>(serving, 'KV');
    const { stream, received, events } = watch(serving);
    stream.write({ createRequest: everything });
    await until('the watch', () => received.length === 1);
    stream.pause();
    const value = Buffer.alloc(100_000, 'x');
    for (let at = 0; at < 100; at += 1) await put(kv, `k${at}`, value);
    // 10 MB were written: far more than windows and buffers take.
    await until('the watcher to fall behind', () => serving.stateMachine.watches.slowCount === 1);
    stream.resume();
    await until('all events', () => events().length === 100);
    expect(events().map(({ kv: each }) => each?.key.toString())).toEqual(
      Array.from({ length: 100 }, (_, at) => `k${at}`),
    );
  });

  it('is told that its history was compacted meanwhile', async () => {
    const serving = await serve();
    const kv = client<KVClient>(serving, 'KV');
    const { stream, received } = watch(serving);
    stream.write({ createRequest: everything });
    await until('the watch', () => received.length === 1);
    stream.pause();
    const value = Buffer.alloc(100_000, 'x');
    for (let at = 0; at < 100; at += 1) await put(kv, 'k', value);
    await put(kv, 'last');
    await ask((done) => kv.compact({ revision: 102 }, done));
    stream.resume();
    await until('the cancellation', () => received.some(({ canceled }) => canceled));
    expect(received.at(-1)).toMatchObject({ canceled: true, compactRevision: '102' });
  });
});

describe('progress', () => {
  it('is told to quiet watches that asked for it, with a revision that they have reached', async () => {
    const serving = await serve({ watchProgressNotifyIntervalMs: 30 });
    const kv = client<KVClient>(serving, 'KV');
    const { stream, received } = watch(serving);
    stream.write({ createRequest: { key: Buffer.from('quiet'), progressNotify: true } });
    stream.write({ createRequest: { key: Buffer.from('silent') } });
    await put(kv, 'elsewhere');
    const told = () => received.filter(({ created }) => !created);
    await until('two notifications', () => told().length >= 2);
    expect(told().every(({ watchId, events }) => watchId === '0' && events.length === 0)).toBe(true);
    expect(told().at(-1)?.header?.revision).toBe('2');
  });
});

describe('leases', () => {
  const keepAlive = (serving: Serving, ID: number): Promise<{ TTL: string } | ServiceError> => {
    const stream = client<LeaseClient>(serving, 'Lease').leaseKeepAlive();
    onTestFinished(() => stream.cancel());
    return new Promise((resolve) => {
      stream.on('data', resolve);
      stream.on('error', resolve);
      stream.write({ ID });
    });
  };

  it('end by a proposal of the leader, anew for each leader', async () => {
    const serving = await serve({ electionTimeoutMs: 100 });
    const lease = client<LeaseClient>(serving, 'Lease');
    const kv = client<KVClient>(serving, 'KV');
    const granted = await ask((done) => lease.leaseGrant({ TTL: 3, ID: 5 }, done));
    expect(granted).toMatchObject({ TTL: '3' });
    await put(kv, 'held', '', { lease: 5 });
    const { store } = serving.stateMachine;
    // No leader here: nothing ends, however long it takes.
    serving.replica.change({ role: 'follower' });
    await new Promise((resolve) => setTimeout(resolve, 3_300));
    expect(store.leases.get(5n)?.keys.size).toBe(1);
    const tookOverMs = performance.now();
    serving.replica.change({ role: 'leader', term: term(3) });
    await until('the end of the lease', () => store.leases.size === 0);
    expect(performance.now() - tookOverMs).toBeGreaterThan(3_090);
    expect(await ask((done) => kv.range({ key: Buffer.from('held') }, done))).toMatchObject({ count: '0' });
  });

  it('are tried again when their end cannot be proposed', async () => {
    const serving = await serve({ electionTimeoutMs: 100 });
    const lease = client<LeaseClient>(serving, 'Lease');
    await ask((done) => lease.leaseGrant({ TTL: 3, ID: 5 }, done));
    serving.replica.refusal = 'timeout';
    await new Promise((resolve) => setTimeout(resolve, 3_200));
    expect(serving.stateMachine.store.leases.size).toBe(1);
    serving.replica.refusal = null;
    await until('the end of the lease', () => serving.stateMachine.store.leases.size === 0);
  });

  it('are not renewed once their end was proposed: it may still come', async () => {
    const serving = await serve({ electionTimeoutMs: 100 });
    await ask((done) => client<LeaseClient>(serving, 'Lease').leaseGrant({ TTL: 3, ID: 5 }, done));
    let proposed = 0;
    serving.replica.propose = () => {
      proposed += 1;
      return Promise.reject(new ReplicaError('timeout'));
    };
    await until('an end that nobody knows the outcome of', () => proposed === 1);
    expect(await keepAlive(serving, 5)).toMatchObject({ code: status.UNAVAILABLE });
    await until('another attempt', () => proposed === 2);
    expect(await keepAlive(serving, 5)).toMatchObject({ code: status.UNAVAILABLE });
  });

  it('are not said to live on by whoever awaits their end in vain', async () => {
    const serving = await serve({ electionTimeoutMs: 100 });
    await ask((done) => client<LeaseClient>(serving, 'Lease').leaseGrant({ TTL: 3, ID: 5 }, done));
    const refusals: (() => void)[] = [];
    serving.replica.propose = () =>
      new Promise((_resolve, reject) => refusals.push(() => reject(new ReplicaError('timeout'))));
    await until('the end to be on its way', () => refusals.length === 1);
    let asked = 0;
    const readIndex = serving.replica.readIndex.bind(serving.replica);
    serving.replica.readIndex = () => ((asked += 1), readIndex());
    const answer = keepAlive(serving, 5);
    await until('the renewal', () => asked === 1);
    refusals[0]!();
    expect(await answer).toMatchObject({ code: status.UNAVAILABLE });
  });
});

describe('the quota', () => {
  it('is none when it is negative, and is told so', async () => {
    const serving = await serve({ quotaBackendBytes: -1 });
    expect(await put(client<KVClient>(serving, 'KV'), 'large', Buffer.alloc(20_000))).not.toHaveProperty(
      'code',
    );
    const metrics = await (await fetch(`http://127.0.0.1:${serving.port}/metrics`)).text();
    expect(metrics).toContain('etcd_server_quota_backend_bytes -1\n');
  });

  it('refuses what makes the store larger, raises an alarm, and lets deletions and compactions through', async () => {
    const serving = await serve({ quotaBackendBytes: 10_000 });
    const kv = client<KVClient>(serving, 'KV');
    const maintenance = client<MaintenanceClient>(serving, 'Maintenance');
    await put(kv, 'large', Buffer.alloc(20_000));
    const noSpace = { code: status.RESOURCE_EXHAUSTED, details: 'etcdserver: mvcc: database space exceeded' };
    expect(await put(kv, 'more')).toEqual(noSpace);
    const txn = { success: [{ requestTxn: { success: [{ requestPut: { key: Buffer.from('k') } }] } }] };
    expect(await ask((done) => kv.txn(txn, done))).toEqual(noSpace);
    expect(await ask((done) => maintenance.alarm({}, done))).toMatchObject({
      alarms: [{ alarm: 'NOSPACE' }],
    });
    expect(await ask((done) => client<LeaseClient>(serving, 'Lease').leaseGrant({ TTL: 60 }, done))).toEqual(
      noSpace,
    );
    const { errors } = await ask<StatusResponse__Output>((done) => maintenance.status({}, done));
    expect(errors).toEqual(['memberID:2748 alarm:NOSPACE ']);
    expect(await ask((done) => kv.range({ key: Buffer.from('large') }, done))).toMatchObject({ count: '1' });
    await ask((done) => kv.deleteRange({ key: Buffer.from('large') }, done));
    expect(await ask((done) => kv.compact({ revision: 3, physical: true }, done))).toMatchObject({
      header: {},
    });
    // There is room, but the alarm stays until somebody disarms it.
    expect(await put(kv, 'more')).toEqual(noSpace);
    const disarm = { action: 'DEACTIVATE' as const, memberID: 2748, alarm: 'NOSPACE' as const };
    expect(await ask((done) => maintenance.alarm(disarm, done))).toMatchObject({
      alarms: [{ memberID: '2748', alarm: 'NOSPACE' }],
    });
    expect(await ask((done) => maintenance.alarm(disarm, done))).toMatchObject({ alarms: [] });
    expect(await put(kv, 'more')).toMatchObject({ header: { revision: '4' } });
    expect(await ask((done) => maintenance.alarm({}, done))).toMatchObject({ alarms: [] });
    // Still beyond: it comes back.
    await put(kv, 'large', Buffer.alloc(20_000));
    expect(await put(kv, 'more')).toEqual(noSpace);
    expect(await ask((done) => maintenance.alarm({ alarm: 'CORRUPT' }, done))).toMatchObject({ alarms: [] });
    expect(await ask((done) => maintenance.alarm({ alarm: 'NOSPACE' }, done))).toMatchObject({
      alarms: [{ alarm: 'NOSPACE' }],
    });
  });
});

describe('bounds', () => {
  it('refuses a transaction with too many operations in all, however they are nested', async () => {
    const kv = client<KVClient>(await serve(), 'KV');
    const inner = {
      requestTxn: {
        success: Array.from({ length: 60 }, () => ({ requestRange: { key: Buffer.from('k') } })),
      },
    };
    const request = {
      success: Array.from({ length: 68 }, () => inner),
      failure: Array.from({ length: 68 }, () => inner),
    };
    const details = 'etcdserver: too many operations in txn request';
    expect(await ask((done) => kv.txn(request, done))).toEqual({ code: status.INVALID_ARGUMENT, details });
  });

  it('names what it does not do', async () => {
    const maintenance = client<MaintenanceClient>(await serve(), 'Maintenance');
    const downgrade = (request: object) => ask((done) => maintenance.downgrade(request, done));
    expect(await downgrade({ version: '3.4.0' })).toMatchObject({ code: status.UNIMPLEMENTED });
    expect(await downgrade({ version: '3.3' })).toEqual({
      code: status.INVALID_ARGUMENT,
      details: 'etcdserver: invalid downgrade target version',
    });
    expect(await downgrade({ action: 'ENABLE', version: 'soon' })).toEqual({
      code: status.INVALID_ARGUMENT,
      details: 'etcdserver: wrong downgrade target version format',
    });
    expect(await downgrade({ action: 'CANCEL' })).toEqual({
      code: status.FAILED_PRECONDITION,
      details: 'etcdserver: no inflight downgrade job',
    });
  });

  it('hashes equal states equally, wherever their compaction stands', async () => {
    const [one, other] = [await serve(), await serve()];
    const key = (at: number): string => `k${at % 50}`;
    const plain = { lease: noLease, prevKv: false, ignoreValue: false, ignoreLease: false };
    for (const { replica } of [one, other]) {
      for (let at = 0; at < 700; at += 1) {
        await replica.propose(encodeCommand({ kind: 'put', key: key(at), value: String(at), ...plain }));
      }
      await replica.propose(
        encodeCommand({ kind: 'delete-range', key: key(7), rangeEnd: '', prevKv: false }),
      );
      await replica.propose(encodeCommand({ kind: 'compact', revision: 701 }));
    }
    await one.replica.propose(encodeCommand({ kind: 'compact-step' }));
    expect([one, other].map(({ stateMachine }) => stateMachine.store.compactionPending)).toEqual([
      false,
      true,
    ]);
    const hash = async (serving: Serving, revision = 0): Promise<object> => {
      const maintenance = client<MaintenanceClient>(serving, 'Maintenance');
      const { hash: value, compactRevision } = await ask<HashKVResponse__Output>((done) =>
        maintenance.hashKv({ revision }, done),
      );
      return { value, compactRevision };
    };
    const before = await hash(one);
    expect(before).toMatchObject({ compactRevision: '701' });
    expect(await hash(other)).toEqual(before);
    await put(client<KVClient>(other, 'KV'), 'k1', 'different');
    expect(await hash(other, 702)).toEqual(before);
    expect(await hash(other)).not.toEqual(before);
  });
});
