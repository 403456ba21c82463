import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { fill, isRoot, othersFile, smallDisk } from '../../../test/support/small-disk.js';
import { build, call, StoreProcesses, type StoreClients } from './replica-process-fixture.js';

if (!isRoot) console.warn('SKIPPED services/store/test/disk-full.test.ts: only root can mount a small disk');

const mebibyte = 1024 * 1024;

const put = ({ kv }: StoreClients, key: string): Promise<unknown> =>
  call(kv, 'put', { key: Buffer.from(key), value: Buffer.alloc(1_000, 'v') });
const remove = ({ kv }: StoreClients, key: string): Promise<{ deleted: string }> =>
  call(kv, 'deleteRange', { key: Buffer.from(key) });

async function count({ kv }: StoreClients): Promise<number> {
  const everything = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]), countOnly: true };
  const { count: found } = await call<{ count: string }>(kv, 'range', everything);
  return Number(found);
}

/** As `etcdctl alarm disarm` does. */
async function disarm({ maintenance }: StoreClients): Promise<void> {
  const { alarms } = await call<{ alarms: object[] }>(maintenance, 'alarm', { action: 'GET' });
  for (const alarm of alarms) await call(maintenance, 'alarm', { ...alarm, action: 'DEACTIVATE' });
}

const isRefused = (clients: StoreClients): Promise<boolean> =>
  put(clients, 'refused').then(
    () => false,
    (error: Error) => error.message.includes('database space exceeded'),
  );

beforeAll(build, 120_000);

describe.skipIf(!isRoot)('a member on a disk that others fill', { timeout: 120_000 }, () => {
  test('writes are refused with NOSPACE, reads and deletions go on, also after kill -9; with room again writes do too', async () => {
    const mount = await smallDisk(192);
    const stores = await StoreProcesses.create();
    const flags = [`--data-dir=${join(mount, 'm1')}`];
    stores.start('m1', { flags });
    stores.start('m2');
    stores.start('m3');
    await stores.leader();
    await stores.serving('m1');
    const clients = stores.clients('m1');
    for (let key = 0; key < 200; key++) await put(clients, `k${key}`);

    await fill(mount, 48 * mebibyte);
    await expect.poll(() => isRefused(clients), { timeout: 30_000, interval: 50 }).toBe(true);
    await fill(mount, 0);
    for (let key = 0; key < 100; key++) expect((await remove(clients, `k${key}`)).deleted).toBe('1');
    const held = await count(clients);

    await stores.kill('m1');
    stores.start('m1', { flags });
    await stores.serving('m1');
    expect(await count(clients)).toBe(held);
    expect(await isRefused(clients)).toBe(true);
    for (let key = 100; key < 150; key++) expect((await remove(clients, `k${key}`)).deleted).toBe('1');

    await rm(othersFile(mount));
    const isTaken = async (): Promise<boolean> => {
      await remove(clients, 'nothing'); // The room is looked at when something is written.
      await disarm(clients);
      return !(await isRefused(clients));
    };
    await expect.poll(isTaken, { timeout: 30_000, interval: 200 }).toBe(true);
    await put(clients, 'after');
    expect(await stores.log('m1')).not.toContain('"level":"error"');
  });
});
