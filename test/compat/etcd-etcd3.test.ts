import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveSingleMember, type Serving } from '../../services/store/test/etcd/single-member.js';

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
});
