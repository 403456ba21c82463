import { join } from 'node:path';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { restoreSnapshot } from '../src/snapshot/restore.js';
import { saveSnapshot } from '../src/snapshot/save.js';
import { snapshotStatus } from '../src/snapshot/status.js';
import { temporaryDirectory } from './replica-fixture.js';
import { until } from '../../../test/support/until.js';
import { build, call, StoreProcesses, type StoreClients } from './replica-process-fixture.js';

beforeAll(build, 120_000);

const put = ({ kv }: StoreClients, key: string, value: string | Buffer, lease = '0') =>
  call<{ header: { revision: string } }>(kv, 'put', {
    key: Buffer.from(key),
    value: Buffer.from(value),
    lease,
  });

const refusalOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: ServiceError) => error.details,
  );

interface Alarms {
  readonly alarms: readonly { readonly memberID: string; readonly alarm: string }[];
}
const alarmsOf = async ({ maintenance }: StoreClients) =>
  (await call<Alarms>(maintenance, 'alarm', { action: 'GET' })).alarms;

const idOf = async ({ maintenance }: StoreClients): Promise<string> =>
  (await call<{ header: { memberId: string } }>(maintenance, 'status', {})).header.memberId;

const noSpace = 'etcdserver: mvcc: database space exceeded';

describe('three processes', { timeout: 180_000 }, () => {
  test('an alarm of one is known to all, through a change of leader and a restart of all', async () => {
    const stores = await StoreProcesses.create();
    stores.start('m1', { flags: ['--quota-backend-bytes=50000'] });
    stores.start('m2');
    stores.start('m3');
    await Promise.all(stores.names.map((name) => stores.serving(name)));
    await stores.leader();
    const [m1, m2, m3] = stores.names.map((name) => stores.clients(name));
    // m1 has no room for what is written to the others.
    await put(m2!, 'large', Buffer.alloc(60_000));
    const raised = [{ memberID: await idOf(m1!), alarm: 'NOSPACE' }];
    let seen: unknown = [];
    await until('the alarm', () => {
      void alarmsOf(m3!).then(
        (alarms) => (seen = alarms),
        () => undefined,
      );
      return Array.isArray(seen) && seen.length > 0;
    });
    for (const clients of [m1!, m2!, m3!]) {
      expect(await alarmsOf(clients)).toEqual(raised);
      expect(await refusalOf(put(clients, 'more', 'x'))).toBe(noSpace);
    }
    const leader = await stores.leader();
    await stores.kill(leader);
    await stores.leader();
    for (const name of stores.names.filter((each) => each !== leader)) {
      expect(await alarmsOf(stores.clients(name))).toEqual(raised);
      expect(await refusalOf(put(stores.clients(name), 'more', 'x'))).toBe(noSpace);
    }
    for (const name of stores.names) await stores.kill(name);
    stores.startAll();
    await Promise.all(stores.names.map((name) => stores.serving(name)));
    await stores.leader();
    expect(await alarmsOf(m2!)).toEqual(raised);
    expect(await refusalOf(put(m2!, 'more', 'x'))).toBe(noSpace);
    await call(m3!.maintenance, 'alarm', { action: 'DEACTIVATE', ...raised[0] });
    await put(m1!, 'more', 'x');
    expect(await alarmsOf(m1!)).toEqual([]);
  });

  test('the leader is moved, states hash alike, and the disk is tidied up', async () => {
    const stores = await StoreProcesses.create();
    stores.startAll();
    const from = await stores.leader();
    const [to, third] = stores.names.filter((name) => name !== from);
    await put(stores.clients(third!), 'k', 'v');
    const targetID = await idOf(stores.clients(to!));
    const move = (at: string) => refusalOf(call(stores.clients(at).maintenance, 'moveLeader', { targetID }));
    expect(await move(third!)).toBe('etcdserver: not leader');
    expect(await move(from)).toBe('done');
    expect(await stores.leader()).toBe(to);
    await put(stores.clients(third!), 'k', 'w');
    const hashes: number[] = [];
    for (const name of stores.names) {
      const { maintenance } = stores.clients(name);
      expect(await refusalOf(call(maintenance, 'defragment', {}))).toBe('done');
      hashes.push((await call<{ hash: number }>(maintenance, 'hash', {})).hash);
    }
    expect(new Set(hashes).size).toBe(1);
  });

  test('a snapshot under load begins a new cluster, whose watchers do not see time go back', async () => {
    const old = await StoreProcesses.create();
    old.startAll();
    await old.leader();
    const clients = old.names.map((name) => old.clients(name));
    await call(clients[0]!.lease, 'leaseGrant', { ID: '77', TTL: '600' });
    await put(clients[0]!, 'leased', 'x', '77');
    let stopped = false;
    const acknowledged: number[] = [0, 0, 0];
    onTestFinished(() => void (stopped = true));
    const writing = clients.map(async (each, at) => {
      for (let index = 0; !stopped; index += 1) {
        await put(each, `w${at}-${index}`, Buffer.alloc(300, index));
        acknowledged[at]! += 1;
      }
    });
    for (const each of writing) each.catch(() => undefined); // Awaited below.
    await until('writes', () => acknowledged.every((count) => count > 40));
    const before = [...acknowledged];
    const directory = await temporaryDirectory();
    const file = join(directory, 'snapshot.db');
    const leader = await old.leader();
    const follower = old.names.find((name) => name !== leader)!;
    await saveSnapshot(targetOf(old, follower), 'insecure', file);
    stopped = true;
    await Promise.all(writing);
    const seen = Number((await put(clients[1]!, 'after', 'x')).header.revision);
    for (const name of old.names) await old.kill(name);

    const { revision } = await snapshotStatus(file);
    expect(revision).toBeLessThan(seen);
    const young = await StoreProcesses.create();
    const change = { bumpBy: 100_000, markCompacted: true };
    for (const name of young.names)
      await restoreSnapshot({ ...young.memberToBe(name), file, checkHash: true, change, disableAuth: false });
    young.startAll();
    await young.leader();
    const [first] = young.names.map((name) => young.clients(name));
    const everything = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
    const all = await call<{ header: { revision: string }; kvs: { key: Buffer; lease: string }[] }>(
      first!.kv,
      'range',
      everything,
    );
    expect(Number(all.header.revision)).toBe(revision + 100_000);
    const keys = new Set(all.kvs.map(({ key }) => key.toString()));
    for (const [at, count] of before.entries())
      for (let index = 0; index < count; index += 1) expect(keys.has(`w${at}-${index}`)).toBe(true);
    expect(all.kvs.find(({ key }) => key.toString() === 'leased')).toMatchObject({ lease: '77' });
    expect(await call(first!.lease, 'leaseTimeToLive', { ID: '77', keys: true })).toMatchObject({
      grantedTTL: '600',
      keys: [Buffer.from('leased')],
    });
    const hashes = await Promise.all(
      young.names.map((name) => call<{ hash: number }>(young.clients(name).maintenance, 'hashKv', {})),
    );
    expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(1);
    expect(await watchFrom(young.clients('m2'), seen)).toMatchObject({
      canceled: true,
      compactRevision: String(revision + 100_000),
    });
    await put(young.clients('m3'), 'new', 'x');
  });
});

function targetOf(stores: StoreProcesses, name: string): string {
  return stores.clients(name).kv.getChannel().getTarget().replace(/^dns:/, '');
}

/** The answer that ends it. */
function watchFrom({ watch }: StoreClients, revision: number): Promise<object> {
  const stream = (watch as unknown as { watch(): ClientDuplexStream<object, object> }).watch();
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('data', (response: { canceled: boolean }) => {
      if (!response.canceled) return;
      resolve(response);
      stream.end();
    });
    stream.write({
      createRequest: { key: Buffer.from([0]), rangeEnd: Buffer.from([0]), startRevision: String(revision) },
    });
  });
}
