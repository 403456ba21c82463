import { status } from '@grpc/grpc-js';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { MaintenanceClient } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import type { SnapshotResponse__Output } from '@raftsman/proto/gen/etcdserverpb/SnapshotResponse.js';
import { encodeCommand, revision, type KeyValue } from '@raftsman/mvcc';
import { logIndex, memberId } from '@raftsman/raft';
import { describe, expect, it } from 'vitest';
import { until } from '../../../../test/support/until.js';
import { encodeAlarmCommand } from '../../src/etcd/alarm-rows.js';
import { createStateMachine } from '../../src/etcd/index.js';
import { hashKv } from '../../src/etcd/hash-kv.js';
import { BoltFile } from '../../src/snapshot/bolt/reader.js';
import { readVersion } from '../../src/snapshot/records.js';
import { snapshotLimits } from '../../src/snapshot/limits.js';
import { fileOf } from '../snapshot/memory-file.js';
import { ask, client, serve } from './asking.js';
import type { Serving } from './single-member.js';

const put = (kv: KVClient, key: string, value: string | Buffer = 'v') =>
  ask((done) => kv.put({ key: Buffer.from(key), value: Buffer.from(value) }, done));

async function snapshotOf(serving: Serving): Promise<readonly SnapshotResponse__Output[]> {
  const messages: SnapshotResponse__Output[] = [];
  const stream = client<MaintenanceClient>(serving, 'Maintenance').snapshot({});
  for await (const message of stream as AsyncIterable<SnapshotResponse__Output>) messages.push(message);
  return messages;
}

describe('a snapshot', () => {
  it('tells with each message how much is to come, and ends with the checksum', async () => {
    const serving = await serve();
    const kv = client<KVClient>(serving, 'KV');
    for (let at = 0; at < 60; at += 1) await put(kv, `k${at}`, Buffer.alloc(5_000, at));
    await ask((done) => kv.deleteRange({ key: Buffer.from('k7') }, done));
    const messages = await snapshotOf(serving);
    const bytes = Buffer.concat(messages.map(({ blob }) => blob));
    let left = bytes.length - 32;
    for (const { blob, remainingBytes } of messages.slice(0, -1)) {
      left -= blob.length;
      expect(remainingBytes).toBe(String(left));
    }
    expect(messages.at(-1)).toMatchObject({ remainingBytes: '0', version: '3.5.0' });
    expect(messages.at(-1)!.blob).toHaveLength(32);
    const bolt = await BoltFile.open(fileOf(bytes), bytes.length - 32);
    const versions: KeyValue[] = [];
    for await (const item of bolt.items('key')) versions.push(readVersion(item));
    expect(versions).toHaveLength(61);
    expect(versions.at(-1)).toMatchObject({ key: 'k7', modRevision: 62, version: 0 });
    expect(versions[1]).toMatchObject({ key: 'k1', createRevision: 3, value: '\u0001'.repeat(5_000) });
  });

  it('is refused to too many at once, and a client that left makes room', async () => {
    const serving = await serve();
    const kv = client<KVClient>(serving, 'KV');
    for (let at = 0; at < 40; at += 1) await put(kv, `k${at}`, Buffer.alloc(1_000_000));
    const maintenance = client<MaintenanceClient>(serving, 'Maintenance');
    // None of them reads.
    const streams = Array.from({ length: snapshotLimits.snapshotsMax }, () => maintenance.snapshot({}));
    for (const stream of streams) stream.on('error', () => undefined);
    await Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('metadata', resolve))));
    await expect(snapshotOf(serving)).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    for (const stream of streams) stream.cancel();
    const deadline = Date.now() + 10_000;
    for (let found = false; !found;) {
      expect(Date.now()).toBeLessThan(deadline);
      found = await snapshotOf(serving).then(
        (messages) => messages.length > 1,
        () => false,
      );
    }
  });

  it('is refused while the member does not answer', async () => {
    const serving = await serve();
    serving.replica.refusal = 'stopped';
    await expect(snapshotOf(serving)).rejects.toMatchObject({ details: 'etcdserver: server stopped' });
  });
});

describe('a CORRUPT alarm', () => {
  const corrupt = { code: status.DATA_LOSS, details: 'etcdserver: corrupt cluster' };

  it('refuses every change and lets reads through, until it is disarmed', async () => {
    const serving = await serve();
    const kv = client<KVClient>(serving, 'KV');
    const lease = client<LeaseClient>(serving, 'Lease');
    const maintenance = client<MaintenanceClient>(serving, 'Maintenance');
    await put(kv, 'k');
    await ask((done) => lease.leaseGrant({ ID: 5, TTL: 60 }, done));
    const alarm = { memberID: '18446744073709551615', alarm: 'CORRUPT' as const };
    const raise = () => ask((done) => maintenance.alarm({ ...alarm, action: 'ACTIVATE' }, done));
    expect(await raise()).toMatchObject({ alarms: [alarm] });
    expect(await raise()).toMatchObject({ alarms: [alarm] });
    expect(await put(kv, 'k')).toEqual(corrupt);
    expect(await ask((done) => kv.deleteRange({ key: Buffer.from('k') }, done))).toEqual(corrupt);
    expect(await ask((done) => kv.compact({ revision: 2 }, done))).toEqual(corrupt);
    expect(await ask((done) => lease.leaseGrant({ ID: 6, TTL: 60 }, done))).toEqual(corrupt);
    expect(await ask((done) => lease.leaseRevoke({ ID: 5 }, done))).toEqual(corrupt);
    expect(await ask((done) => kv.range({ key: Buffer.from('k') }, done))).toMatchObject({ count: '1' });
    expect(await ask((done) => maintenance.status({}, done))).toMatchObject({
      errors: ['memberID:18446744073709551615 alarm:CORRUPT '],
    });
    // It survives a restart.
    const restarted = createStateMachine();
    await restarted.restore(asynchronous([[...serving.stateMachine.rows()]]));
    expect(restarted.alarms.raised()).toEqual(serving.stateMachine.alarms.raised());
    expect(restarted.alarms.corrupt).toBe(true);
    await ask((done) => maintenance.alarm({ ...alarm, action: 'DEACTIVATE' }, done));
    expect(await put(kv, 'k')).toMatchObject({ header: { revision: '3' } });
  });

  it('is raised by a member whose keys are not what the leader says', async () => {
    const serving = await serve({ corruptCheckTimeMs: 5 });
    const kv = client<KVClient>(serving, 'KV');
    await put(kv, 'k', 'one');
    const { stateMachine, replica } = serving;
    const found = await hashKv(() => stateMachine.store, 0);
    const claim = { kind: 'hash-claim', member: 77n, ...found } as const;
    // A leader that found the same, one that stands at another compaction, and one from the future say nothing.
    await replica.propose(encodeAlarmCommand(claim));
    await replica.propose(encodeAlarmCommand({ ...claim, compactRevision: 1, hash: 1 }));
    await replica.propose(encodeAlarmCommand({ ...claim, revision: revision(99), hash: 1 }));
    await put(kv, 'k', 'two');
    expect(stateMachine.alarms.raised()).toEqual([]);
    await replica.propose(encodeAlarmCommand({ ...claim, hash: 1 }));
    await until('the alarm', () => stateMachine.alarms.corrupt);
    expect(stateMachine.alarms.raised()).toEqual([{ member: 0xabcn, alarm: 'CORRUPT' }]);
  });

  it('is looked for by the leader after something was written, and only then', async () => {
    const serving = await serve({ corruptCheckTimeMs: 1 });
    const claims: number[] = [];
    const { alarms } = serving.stateMachine;
    const listener = alarms.onClaim!;
    alarms.onClaim = (claim) => {
      claims.push(claim.revision);
      listener(claim);
    };
    const kv = client<KVClient>(serving, 'KV');
    await put(kv, 'k');
    await until('a claim', () => claims.length === 1);
    const applied = serving.replica.status().applied;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(serving.replica.status().applied).toBe(applied);
    await put(kv, 'k');
    await until('another', () => claims.length === 2);
    expect(claims).toEqual([2, 3]);
    serving.replica.change({ role: 'follower', leader: memberId(5) });
    await put(kv, 'k');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(claims).toHaveLength(2);
  });

  it('is looked for after each compaction, if that is asked for', async () => {
    const serving = await serve({ corruptCheckTimeMs: 0, compactHashCheck: true });
    const claims: object[] = [];
    serving.stateMachine.alarms.onClaim = (claim) => claims.push(claim);
    const kv = client<KVClient>(serving, 'KV');
    for (const value of ['1', '2', '3']) await put(kv, 'k', value);
    await ask((done) => kv.compact({ revision: 3 }, done));
    await until('a claim', () => claims.length === 1);
    expect(claims).toMatchObject([{ revision: 4, compactRevision: 3 }]);
  });
});

describe('alarms', () => {
  it('are bounded, whatever members clients make up', async () => {
    const { replica, stateMachine } = await serve();
    const results: unknown[] = [];
    for (let member = 1n; member <= 300n; member += 1n)
      results.push(await replica.propose(encodeAlarmCommand({ kind: 'activate', member, alarm: 'NOSPACE' })));
    expect(stateMachine.alarms.raised()).toHaveLength(256);
    expect(results.at(-1)).toMatchObject({ details: 'etcdserver: too many requests' });
  });

  it('NOSPACE is raised by a member that is written to by others only, and by one whose disk is low', async () => {
    const plain = { lease: 0n, prevKv: false, ignoreValue: false, ignoreLease: false };
    const command = encodeCommand({ kind: 'put', key: 'k', value: 'v'.repeat(2_000), ...plain });
    const full = await serve({ quotaBackendBytes: 1_000 });
    await full.replica.propose(command);
    await until('the alarm', () => full.stateMachine.alarms.noSpace);
    const low = await serve();
    low.replica.change({ diskLow: true });
    await low.replica.propose(command);
    await until('the alarm', () => low.stateMachine.alarms.noSpace);
    // Whoever proposes nevertheless (he did not know yet) is refused by every member alike.
    expect(await low.replica.propose(command)).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });
});

describe('moving the leader', () => {
  it('is for the leader, and to a voter that keeps data', async () => {
    const serving = await serve();
    const { replica } = serving;
    const maintenance = client<MaintenanceClient>(serving, 'Maintenance');
    const move = (targetID: number) => ask((done) => maintenance.moveLeader({ targetID }, done));
    const bad = { code: status.FAILED_PRECONDITION, details: 'etcdserver: bad leader transferee' };
    const [self] = replica.members();
    const other = { ...self!, id: memberId(5), name: 'other' };
    replica.memberList = [
      self!,
      other,
      { ...other, id: memberId(6), isLearner: true },
      { ...other, id: memberId(7), isWitness: true },
    ];
    const moved: number[] = [];
    replica.transferLeadership = (to) => {
      moved.push(to);
      return Promise.resolve();
    };
    expect(await move(99)).toEqual(bad);
    expect(await move(6)).toEqual(bad);
    expect(await move(7)).toEqual(bad);
    expect(await move(self!.id)).toEqual({ header: null });
    expect(moved).toEqual([]);
    expect(await move(5)).toEqual({ header: null });
    expect(moved).toEqual([5]);
    replica.change({ leader: memberId(5), role: 'follower' });
    expect(await move(5)).toEqual({ code: status.FAILED_PRECONDITION, details: 'etcdserver: not leader' });
  });
});

describe('Hash and Defragment', () => {
  it('hash all that is replicated', async () => {
    const [one, other] = [await serve(), await serve()];
    const hash = (serving: Serving) =>
      ask<{ hash: number }>((done) =>
        client<MaintenanceClient>(serving, 'Maintenance').hash({}, done as never),
      );
    for (const serving of [one, other]) await put(client<KVClient>(serving, 'KV'), 'k');
    const before = await hash(one);
    expect(before).toMatchObject({ header: { revision: '2' } });
    expect((await hash(other)).hash).toBe(before.hash);
    await ask((done) => client<LeaseClient>(other, 'Lease').leaseGrant({ ID: 1, TTL: 9 }, done));
    expect((await hash(other)).hash).not.toBe(before.hash);
    expect(await ask((done) => client<MaintenanceClient>(one, 'Maintenance').defragment({}, done))).toEqual({
      header: null,
    });
    expect(logIndex(one.replica.status().applied)).toBeGreaterThan(0);
  });
});

async function* asynchronous<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
