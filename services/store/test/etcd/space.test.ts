import { status } from '@grpc/grpc-js';
import { encodeCommand, noLease } from '@raftsman/mvcc';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { MaintenanceClient } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import { describe, expect, it } from 'vitest';
import { until } from '../../../../test/support/until.js';
import { ReplicaError } from '../../src/contract.js';
import { ask, client, serve } from './asking.js';

const noSpace = { code: status.RESOURCE_EXHAUSTED, details: 'etcdserver: mvcc: database space exceeded' };
const tooMany = { code: status.RESOURCE_EXHAUSTED, details: 'etcdserver: too many requests' };
const everything = { key: Buffer.of(0), rangeEnd: Buffer.of(0) };

const put = (kv: KVClient, key: string, value: Buffer = Buffer.of()) =>
  ask((done) => kv.put({ key: Buffer.from(key), value }, done));

describe('what the process can hold', () => {
  it('leaves room to delete every key, whatever their size, to compact, and to write again then', async () => {
    const serving = await serve({ heldBytesMax: 100_000 });
    const { store } = serving.stateMachine;
    const kv = client<KVClient>(serving, 'KV');
    let keys = 0;
    while (!('code' in (await put(kv, `k${keys}`)))) keys += 1;
    expect(await put(kv, 'more')).toEqual(noSpace);
    expect(store.sizeBytes).toBeGreaterThan(45_000);
    expect(store.sizeBytes + store.deletionBytes).toBeLessThanOrEqual(100_000);
    for (let key = 0; key < keys; key += 1)
      await ask((done) => kv.deleteRange({ key: Buffer.from(`k${key}`) }, done));
    expect(store.sizeBytes).toBeLessThanOrEqual(100_000);
    await ask((done) => kv.compact({ revision: store.revision, physical: true }, done));
    const disarm = { action: 'DEACTIVATE' as const, memberID: 2748, alarm: 'NOSPACE' as const };
    await ask((done) => client<MaintenanceClient>(serving, 'Maintenance').alarm(disarm, done));
    expect(await put(kv, 'more')).toMatchObject({ header: {} });
  });

  it('counts leases', async () => {
    const serving = await serve({ heldBytesMax: 10_000 });
    const lease = client<LeaseClient>(serving, 'Lease');
    const grant = () => ask((done) => lease.leaseGrant({ TTL: 60 }, done));
    let leases = 0;
    while (!('code' in (await grant()))) leases += 1;
    expect(leases).toBe(25);
    expect(await grant()).toEqual(noSpace);
  });

  it('refuses a write that alone would be too much, before anybody has to hold it', async () => {
    const serving = await serve({ heldBytesMax: 100_000 });
    const kv = client<KVClient>(serving, 'KV');
    expect(await put(kv, 'k', Buffer.alloc(100_000))).toEqual(noSpace);
    expect(serving.stateMachine.store.sizeBytes).toBe(0);
    expect(serving.stateMachine.alarms.noSpace).toBe(true);
  });

  it('is promised to each write that is under way: others come again', async () => {
    const serving = await serve({ heldBytesMax: 100_000 });
    const kv = client<KVClient>(serving, 'KV');
    const propose = serving.replica.propose.bind(serving.replica);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let waiting = 0;
    serving.replica.propose = async (data) => {
      waiting += 1;
      await released;
      return propose(data);
    };
    const first = put(kv, 'a', Buffer.alloc(60_000));
    await until('the first write', () => waiting === 1);
    const large = { requestPut: { key: Buffer.from('b'), value: Buffer.alloc(60_000) } };
    expect(await ask((done) => kv.txn({ success: [large] }, done))).toEqual(tooMany);
    expect(serving.stateMachine.alarms.noSpace).toBe(false);
    const second = put(kv, 'b', Buffer.alloc(20_000));
    release();
    expect(await first).toMatchObject({ header: { revision: '2' } });
    expect(await second).toMatchObject({ header: { revision: '3' } });
  });

  it('is kept for a write that timed out, until one that began after it is applied', async () => {
    const serving = await serve({ heldBytesMax: 100_000 });
    const { store } = serving.stateMachine;
    const kv = client<KVClient>(serving, 'KV');
    const propose = serving.replica.propose.bind(serving.replica);
    const log: Uint8Array[] = [];
    serving.replica.propose = (data) => {
      log.push(data);
      return Promise.reject(new ReplicaError('timeout'));
    };
    expect(await put(kv, 'a', Buffer.alloc(60_000))).toMatchObject({ code: status.UNAVAILABLE });

    // The next one is applied after it, as far as it was in the log.
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    serving.replica.propose = async (data) => {
      log.push(data);
      await released;
      for (const each of log.splice(0, log.indexOf(data))) await propose(each);
      log.shift();
      return propose(data);
    };
    const next = put(kv, 'b', Buffer.alloc(20_000));
    await until('the next write', () => log.length === 2);
    expect(await put(kv, 'c', Buffer.alloc(25_000))).toEqual(tooMany);
    release();
    expect(await next).toMatchObject({ header: { revision: '3' } });
    expect(await put(kv, 'd', Buffer.alloc(15_000))).toMatchObject({ header: { revision: '4' } });
    expect(store.sizeBytes + store.deletionBytes).toBeLessThanOrEqual(100_000);
    expect(serving.stateMachine.alarms.noSpace).toBe(false);
  });

  it('does not keep everybody out when what timed out is not in the log', async () => {
    const serving = await serve({ heldBytesMax: 100_000 });
    const kv = client<KVClient>(serving, 'KV');
    serving.replica.refusal = 'timeout';
    for (const key of ['a', 'b', 'c'])
      expect(await put(kv, key, Buffer.alloc(60_000))).toMatchObject({ code: status.UNAVAILABLE });
    serving.replica.refusal = null;
    expect(await put(kv, 'a', Buffer.alloc(40_000))).toMatchObject({ header: { revision: '2' } });
    const both = ['b', 'c'].map((key) => put(kv, key, Buffer.alloc(25_000)));
    expect(await Promise.all(both)).toMatchObject([{ header: {} }, { header: {} }]);
  });

  it('is looked at after each write of others, and told ahead of the writes that wait', async () => {
    const serving = await serve({ heldBytesMax: 100_000 });
    const { replica, stateMachine } = serving;
    const propose = replica.propose.bind(replica);
    const ahead: boolean[] = [];
    replica.propose = (data, options) => {
      ahead.push(options?.ahead ?? false);
      return propose(data);
    };
    const kept = { prevKv: false, ignoreValue: false, ignoreLease: false, lease: noLease };
    const large = { kind: 'put', key: 'k', value: 'v'.repeat(99_999), ...kept } as const;
    const writtenMs = performance.now();
    await propose(encodeCommand(large));
    await until('the alarm', () => stateMachine.alarms.noSpace);
    expect(performance.now() - writtenMs).toBeLessThan(900);
    expect(ahead).toEqual([true]);
    const found = await ask((done) => client<KVClient>(serving, 'KV').range(everything, done));
    expect(found).toMatchObject({ count: '1' });
  });
});
