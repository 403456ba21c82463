import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveSingleMember, type Serving } from '../../services/store/test/etcd/single-member.js';

const holdLock = `
import { Etcd3 } from 'etcd3';
const etcd = new Etcd3({ hosts: 'http://127.0.0.1:' + process.argv[1] });
await etcd.lock('shared').ttl(2).acquire();
console.log('held');
`;

/** The npm client, which brings its own copy of etcd's messages. */
describe('the etcd3 client against us', () => {
  let ours: Serving;
  let etcd: Etcd3;

  beforeAll(async () => {
    ours = await serveSingleMember();
    etcd = new Etcd3({ hosts: `http://127.0.0.1:${ours.port}` });
  });

  afterAll(async () => {
    etcd?.close();
    await ours?.close();
  });

  it('writes, reads and deletes', async () => {
    await etcd.put('foo').value('bar');
    expect(await etcd.get('foo').string()).toBe('bar');
    await etcd.put('foo2').value('baz');
    expect(await etcd.getAll().prefix('foo').sort('Key', 'Descend').strings()).toEqual({
      foo2: 'baz',
      foo: 'bar',
    });
    await etcd.delete().prefix('foo');
    expect(await etcd.getAll().prefix('foo').count()).toBe(0);
  });

  it('compares and swaps', async () => {
    const swap = (from: string, to: string) =>
      etcd.if('cas', 'Value', '==', from).then(etcd.put('cas').value(to)).commit();
    await etcd.put('cas').value('1');
    expect((await swap('1', '2')).succeeded).toBe(true);
    expect((await swap('1', '3')).succeeded).toBe(false);
    expect(await etcd.get('cas').string()).toBe('2');
  });

  it('watches from a revision', async () => {
    const { header } = await etcd.put('w1').value('a');
    await etcd.put('w2').value('b');
    const watcher = await etcd.watch().prefix('w').startRevision(header.revision).create();
    const seen: string[] = [];
    const all = new Promise<void>((resolve) => {
      watcher.on('put', (kv) => {
        seen.push(`${kv.key.toString()}=${kv.value.toString()}`);
        if (seen.length === 3) resolve();
      });
    });
    await etcd.put('w3').value('c');
    await all;
    expect(seen).toEqual(['w1=a', 'w2=b', 'w3=c']);
    await watcher.cancel();
  });

  it('holds leases and locks', async () => {
    const lease = etcd.lease(10);
    await lease.put('leased').value('x');
    expect(await lease.keepaliveOnce()).toMatchObject({ TTL: '10' });
    await lease.revoke();
    expect(await etcd.get('leased').string()).toBeNull();
    const lock = etcd.lock('mutex');
    await lock.acquire();
    await expect(etcd.lock('mutex').acquire()).rejects.toThrow(/lock/i);
    await lock.release();
  });

  it('keeps namespaces apart', async () => {
    const [left, right] = [etcd.namespace('left/'), etcd.namespace('right/')];
    await Promise.all([left.put('k').value('1'), right.put('k').value('2')]);
    expect(await left.get('k').string()).toBe('1');
    expect(await etcd.getAll().prefix('right/').strings()).toEqual({ 'right/k': '2' });
    const { succeeded } = await right.if('k', 'Value', '==', '2').then(right.put('k').value('3')).commit();
    expect(succeeded).toBe(true);
    const watcher = await left.watch().prefix('').create();
    const first = new Promise((resolve) => watcher.once('put', (kv) => resolve(kv.key.toString())));
    await right.put('other').value('x');
    await left.put('own').value('x');
    expect(await first).toBe('own');
    await watcher.cancel();
    await left.delete().all();
    expect(await left.getAll().count()).toBe(0);
    expect(await right.getAll().count()).toBe(2);
  });

  it('lets one hold a lock while others wait, and gives it back when its holder is gone', async () => {
    const holder = spawn(process.execPath, ['--input-type=module', '-e', holdLock, String(ours.port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      expect(
        await etcd
          .lock('shared')
          .acquire()
          .catch(() => 'refused'),
      ).toBe('refused');
    } finally {
      holder.kill('SIGKILL');
    }
    // Without its keepalives the lease runs out.
    await expect
      .poll(
        () =>
          etcd
            .lock('shared')
            .do(() => 'inside')
            .catch(() => 'refused'),
        { timeout: 20_000 },
      )
      .toBe('inside');
  });

  it('tells the holder of a lease that it is lost', async () => {
    const lease = etcd.lease(60);
    const id = await lease.grant();
    const lost = new Promise((resolve) => lease.once('lost', () => resolve('lost')));
    await etcd.leaseClient.leaseRevoke({ ID: id });
    lease.keepaliveOnce().catch(() => undefined);
    expect(await lost).toBe('lost');
  });

  it('elects one leader after the other, and shows who leads', async () => {
    const election = etcd.election('boss', 10);
    const first = election.campaign('first');
    await new Promise<void>((resolve, reject) => first.once('elected', resolve).once('error', reject));
    const observer = await election.observe();
    const seen: (string | undefined)[] = [observer.leader()];
    observer.on('change', (leader) => seen.push(leader));
    const second = etcd.election('boss', 10).campaign('second');
    const secondElected = new Promise<void>((resolve, reject) =>
      second.once('elected', resolve).once('error', reject),
    );
    await first.proclaim('first, again');
    await expect.poll(() => seen).toContain('first, again');
    await first.resign();
    await secondElected;
    await expect.poll(() => seen.at(-1)).toBe('second');
    expect(await election.leader()).toBe('second');
    await observer.cancel();
    await second.resign();
  });
});
