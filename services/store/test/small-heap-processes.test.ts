import type { ServiceError } from '@grpc/grpc-js';
import { beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../test/support/until.js';
import { build, call, StoreProcesses, type StoreClients } from './replica-process-fixture.js';

beforeAll(build, 120_000);

const mebibyte = 2 ** 20;
const noSpace = 'etcdserver: mvcc: database space exceeded';
const nodeFlags = ['--max-old-space-size=120', '--max-semi-space-size=8'];
const everything = { key: Buffer.of(0), rangeEnd: Buffer.of(0) };
const putsPerTxn = 128;

const keyOf = (at: number): Buffer => Buffer.from(`k${String(at).padStart(8, '0')}`);

/** Puts of keys that are hardly more than what the store needs for each: what is hardest to delete. Answers how many of them there are. */
async function fill({ kv }: StoreClients): Promise<number> {
  let next = 0;
  let isFull = false;
  const write = async (): Promise<void> => {
    while (!isFull) {
      const from = next;
      next += putsPerTxn;
      const puts = Array.from({ length: putsPerTxn }, (_, at) => ({
        requestPut: { key: keyOf(from + at), value: Buffer.of(at) },
      }));
      await call(kv, 'txn', { success: puts }).catch(({ details }: ServiceError) => {
        if (details !== noSpace && !details.endsWith('too many requests')) throw new Error(details);
        isFull ||= details === noSpace;
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, write));
  return count({ kv });
}

async function count({ kv }: Pick<StoreClients, 'kv'>): Promise<number> {
  const found = await call<{ count: string }>(kv, 'range', { ...everything, countOnly: true });
  return Number(found.count);
}

const refusalOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: ServiceError) => error.details,
  );

const put = ({ kv }: StoreClients, key: string) =>
  call<{ header: { revision: string } }>(kv, 'put', { key: Buffer.from(key), value: Buffer.of(1) });

async function statusOf({ maintenance }: StoreClients) {
  const { dbSizeInUse, dbSizeQuota } = await call<{ dbSizeInUse: string; dbSizeQuota: string }>(
    maintenance,
    'status',
    {},
  );
  return { sizeBytes: Number(dbSizeInUse), quotaBytes: Number(dbSizeQuota) };
}

/** As `etcdctl alarm disarm` does. */
async function disarm({ maintenance }: StoreClients): Promise<void> {
  const { alarms } = await call<{ alarms: object[] }>(maintenance, 'alarm', { action: 'GET' });
  for (const alarm of alarms) await call(maintenance, 'alarm', { ...alarm, action: 'DEACTIVATE' });
}

describe('a member with a heap of 120 MB', { timeout: 400_000 }, () => {
  test('is full before its heap is: it reads, deletes all, begins again, compacts, and takes writes again', async () => {
    const stores = await StoreProcesses.create([], 1);
    const restart = async (): Promise<void> => {
      await stores.kill('m1');
      stores.start('m1', { nodeFlags });
      await stores.serving('m1');
    };
    stores.start('m1', { nodeFlags });
    await stores.serving('m1');
    const clients = stores.clients('m1');
    await stores.leader();
    const held = await fill(clients);
    expect(held).toBeGreaterThan(100_000);
    expect((await statusOf(clients)).sizeBytes).toBeGreaterThan(35 * mebibyte);

    await restart();
    expect(await count(clients)).toBe(held);
    expect(await refusalOf(put(clients, 'more'))).toBe(noSpace);
    const page = { ...everything, limit: 10_000 };
    expect((await call<{ kvs: object[] }>(clients.kv, 'range', page)).kvs).toHaveLength(10_000);
    for (let from = 0; (await count(clients)) > 0; from += 20_000) {
      const range = { key: keyOf(from), rangeEnd: keyOf(from + 20_000) };
      await call(clients.kv, 'deleteRange', range);
    }
    expect((await statusOf(clients)).sizeBytes).toBeGreaterThan(70 * mebibyte);

    await restart();
    expect(await count(clients)).toBe(0);
    expect(await refusalOf(put(clients, 'more'))).toBe(noSpace);
    const { header } = await call<{ header: { revision: string } }>(clients.kv, 'range', everything);
    await call(clients.kv, 'compact', { revision: header.revision, physical: true });
    expect((await statusOf(clients)).sizeBytes).toBeLessThan(10 * mebibyte);
    await disarm(clients);
    expect(await refusalOf(put(clients, 'more'))).toBe('done');
    expect(await stores.log('m1')).not.toContain('heap out of memory');
  });

  test('keeps up with two others that have more, and stops them in time', async () => {
    const stores = await StoreProcesses.create();
    stores.start('m1', { nodeFlags });
    stores.start('m2');
    stores.start('m3');
    await Promise.all(stores.names.map((name) => stores.serving(name)));
    await stores.leader();
    const [m1, m2] = stores.names.map((name) => stores.clients(name));
    const held = await fill(m2!);
    expect(await count(m1!)).toBe(held);
    expect((await statusOf(m1!)).sizeBytes).toBeLessThan(60 * mebibyte);
    const { alarms } = await call<{ alarms: object[] }>(m1!.maintenance, 'alarm', { action: 'GET' });
    const { header } = await call<{ header: { memberId: string } }>(m1!.maintenance, 'status', {});
    expect(alarms).toEqual([{ memberID: header.memberId, alarm: 'NOSPACE' }]);
    await stores.kill('m1');
    stores.start('m1', { nodeFlags });
    await stores.serving('m1');
    expect(await count(m1!)).toBe(held);
  });

  test('cuts a quota that it could not hold, and says with what it could', async () => {
    const stores = await StoreProcesses.create(['--quota-backend-bytes=1073741824'], 1);
    stores.start('m1', { nodeFlags });
    await stores.serving('m1');
    expect((await statusOf(stores.clients('m1'))).quotaBytes).toBeLessThan(100 * mebibyte);
    await until('the warning', async () =>
      (await stores.log('m1')).includes('NODE_OPTIONS=--max-old-space-size=1330'),
    );
  });
});
