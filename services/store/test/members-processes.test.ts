import { beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../test/support/until.js';
import { build, call, StoreProcesses } from './replica-process-fixture.js';

beforeAll(build, 120_000);

interface WireMember {
  readonly ID: string;
  readonly name: string;
  readonly peerURLs: string[];
  readonly clientURLs: string[];
  readonly isLearner: boolean;
}

const removedExitCode = 3;

const put = (stores: StoreProcesses, name: string, key: string): Promise<unknown> =>
  call(stores.clients(name).kv, 'put', { key: Buffer.from(key), value: Buffer.from(key) });

async function keys(stores: StoreProcesses, name: string, serializable = false): Promise<readonly string[]> {
  const everything = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]), keysOnly: true, serializable };
  const { kvs } = await call<{ kvs: { key: Buffer }[] }>(stores.clients(name).kv, 'range', everything);
  return kvs.map(({ key }) => key.toString());
}

async function members(stores: StoreProcesses, name: string): Promise<readonly WireMember[]> {
  const request = { linearizable: true };
  return (await call<{ members: WireMember[] }>(stores.clients(name).cluster, 'memberList', request)).members;
}

async function idOf(stores: StoreProcesses, asked: string, name: string): Promise<string> {
  const found = (await members(stores, asked)).find(({ peerURLs }) =>
    peerURLs.includes(stores.peerUrl(name)),
  );
  expect(found).toBeDefined();
  return found!.ID;
}

function add(stores: StoreProcesses, asked: string, name: string, isLearner = false) {
  const request = { peerURLs: [stores.peerUrl(name)], isLearner };
  return call<{ member: WireMember; members: WireMember[] }>(
    stores.clients(asked).cluster,
    'memberAdd',
    request,
  );
}

async function remove(stores: StoreProcesses, asked: string, name: string): Promise<void> {
  await call(stores.clients(asked).cluster, 'memberRemove', { ID: await idOf(stores, asked, name) });
}

function startAdded(stores: StoreProcesses, name: string, cluster: readonly string[]): void {
  const flags = ['--initial-cluster-state=existing', `--initial-cluster=${stores.clusterOf(cluster)}`];
  stores.start(name, { flags });
}

/** All of them list all of them, with names and client URLs. */
async function agree(stores: StoreProcesses, names: readonly string[]): Promise<void> {
  await until(`equal lists of ${names.join(' ')}`, async () => {
    const lists = await Promise.all(names.map((name) => members(stores, name).catch(() => [])));
    const [first] = lists;
    const isWhole =
      (first ?? [])
        .map(({ name }) => name)
        .toSorted()
        .join() === names.toSorted().join();
    const hasUrls = (first ?? []).every(({ clientURLs }) => clientURLs.length === 1);
    return isWhole && hasUrls && lists.every((list) => JSON.stringify(list) === JSON.stringify(first));
  });
}

describe('members as processes', { timeout: 180_000 }, () => {
  test('grow from one to three to five, and shrink to two', async () => {
    const stores = await StoreProcesses.create([], 1, 5);
    stores.startAll();
    await stores.leader();
    await put(stores, 'm1', 'one');
    for (const [at, name] of ['m2', 'm3', 'm4', 'm5'].entries()) {
      const cluster = ['m1', 'm2', 'm3', 'm4', 'm5'].slice(0, at + 2);
      const asked = cluster[at]!;
      const { member, members: all } = await add(stores, asked, name);
      expect(member).toMatchObject({ name: '', peerURLs: [stores.peerUrl(name)], isLearner: false });
      expect(all).toHaveLength(at + 2);
      startAdded(stores, name, cluster);
      await stores.serving(name);
      await put(stores, name, `by ${name}`);
      await agree(stores, cluster);
    }
    expect(await keys(stores, 'm5')).toEqual(['by m2', 'by m3', 'by m4', 'by m5', 'one']);
    for (const [at, name] of ['m5', 'm4', 'm3'].entries()) {
      await remove(stores, ['m1', 'm2', 'm1'][at]!, name);
      expect(await stores.ended(name)).toBe(removedExitCode);
      expect(await stores.log(name)).toContain('the member has been permanently removed from the cluster');
      await put(stores, 'm2', `without ${name}`);
    }
    await agree(stores, ['m1', 'm2']);
    // It does not come back: not with its data, and not without.
    stores.start('m5');
    expect(await stores.ended('m5')).toBe(removedExitCode);
  });

  test('a dead member is replaced; the flags of the first start do not matter afterwards', async () => {
    const stores = await StoreProcesses.create([], 3, 4);
    stores.startAll();
    const leader = await stores.leader();
    const dead = stores.names.find((name) => name !== leader)!;
    const alive = stores.names.filter((name) => name !== dead);
    await put(stores, leader, 'before');
    await agree(stores, stores.names);
    await stores.kill(dead);
    await remove(stores, leader, dead);
    await add(stores, alive[0]!, 'm4');
    startAdded(stores, 'm4', [...alive, 'm4']);
    await stores.serving('m4');
    await agree(stores, [...alive, 'm4']);
    expect(await keys(stores, 'm4')).toEqual(['before']);
    for (const name of [...alive, 'm4']) await stores.kill(name);
    for (const name of [...alive, 'm4']) stores.start(name);
    await stores.serving('m4');
    await put(stores, 'm4', 'after');
    await agree(stores, [...alive, 'm4']);
    stores.start(dead);
    expect(await stores.ended(dead)).toBe(removedExitCode);
  });

  test('one that was added starts while another is away', async () => {
    const stores = await StoreProcesses.create([], 3, 4);
    stores.startAll();
    const leader = await stores.leader();
    await agree(stores, stores.names);
    await add(stores, leader, 'm4');
    const away = stores.names.find((name) => name !== leader)!;
    await stores.kill(away);
    startAdded(stores, 'm4', [...stores.names, 'm4']);
    await stores.serving('m4');
    await put(stores, 'm4', 'three of four');
    expect(await keys(stores, 'm4')).toEqual(['three of four']);
    stores.start(away);
    await agree(stores, [...stores.names, 'm4']);
  });

  test('the leader is removed under writes: none is refused elsewhere', async () => {
    const stores = await StoreProcesses.create();
    stores.startAll();
    const leader = await stores.leader();
    const others = stores.names.filter((name) => name !== leader);
    await agree(stores, stores.names);
    let stopped = false;
    let count = 0;
    const writing = (async () => {
      for (; !stopped; count++) await put(stores, others[0]!, `k${String(count).padStart(6, '0')}`);
    })();
    await until('writes', () => count > 50);
    await remove(stores, leader, leader);
    const before = count;
    await until('writes', () => count > before + 50);
    stopped = true;
    await writing;
    expect(await stores.ended(leader)).toBe(removedExitCode);
    expect(await keys(stores, others[1]!)).toHaveLength(count);
    await agree(stores, others);
  });

  test('a learner gets the data, answers for itself only, and is promoted', async () => {
    const stores = await StoreProcesses.create(
      ['--snapshot-count=100', '--snapshot-catchup-entries=50'],
      3,
      5,
    );
    stores.startAll();
    const leader = await stores.leader();
    for (let group = 0; group < 10; group++)
      await Promise.all(Array.from({ length: 50 }, (_, index) => put(stores, leader, `g${group}-${index}`)));
    await agree(stores, stores.names);
    const { member } = await add(stores, 'm1', 'm4', true);
    expect(member.isLearner).toBe(true);
    const promote = () => call(stores.clients('m2').cluster, 'memberPromote', { ID: member.ID });
    await expect(promote()).rejects.toMatchObject({
      code: 9,
      details: 'etcdserver: can only promote a learner member which is in sync with leader',
    });
    await expect(add(stores, 'm1', 'm5', true)).rejects.toMatchObject({
      code: 9,
      details: 'etcdserver: too many learner members in cluster',
    });
    startAdded(stores, 'm4', ['m1', 'm2', 'm3', 'm4']);
    await stores.serving('m4');
    await until('the data', async () => (await keys(stores, 'm4', true)).length === 500);
    const refusal = { code: 14, details: 'etcdserver: rpc not supported for learner' };
    await expect(keys(stores, 'm4')).rejects.toMatchObject(refusal);
    await expect(put(stores, 'm4', 'x')).rejects.toMatchObject(refusal);
    const status = await call(stores.clients('m4').maintenance, 'status', {});
    expect(status).toMatchObject({ isLearner: true });
    await promote();
    await expect(promote()).rejects.toMatchObject({
      code: 9,
      details: 'etcdserver: can only promote a learner member',
    });
    await agree(stores, ['m1', 'm2', 'm3', 'm4']);
    await put(stores, 'm4', 'promoted');
  });

  test('peer URLs move one member after the other', async () => {
    const stores = await StoreProcesses.create([], 3, 6);
    stores.startAll();
    await stores.leader();
    await agree(stores, stores.names);
    for (const [at, name] of stores.names.entries()) {
      const moved = stores.peerUrl(`m${4 + at}`);
      const asked = stores.names[(at + 1) % 3]!;
      const request = { ID: await idOf(stores, asked, name), peerURLs: [moved] };
      await call(stores.clients(asked).cluster, 'memberUpdate', request);
      await stores.kill(name);
      stores.start(name, {
        flags: [`--listen-peer-urls=${moved}`, `--initial-advertise-peer-urls=${moved}`],
      });
      await stores.serving(name);
      await stores.leader();
      await put(stores, name, `moved ${name}`);
      await agree(stores, stores.names);
    }
    expect(await keys(stores, 'm1')).toHaveLength(3);
  });

  test('who is not listed does not join', async () => {
    const stores = await StoreProcesses.create([], 3, 5);
    stores.startAll();
    await stores.leader();
    await agree(stores, stores.names);
    await expect(add(stores, 'm2', 'm1')).rejects.toMatchObject({
      code: 9,
      details: 'etcdserver: Peer URLs already exists',
    });
    startAdded(stores, 'm4', ['m1', 'm2', 'm3', 'm4']);
    expect(await stores.ended('m4')).toBe(1);
    expect(await stores.log('m4')).toMatch(
      /raftsman store: error validating peerURLs .*: member count is unequal/,
    );
    await add(stores, 'm1', 'm5');
    startAdded(stores, 'm4', ['m1', 'm2', 'm3', 'm4']);
    expect(await stores.ended('m4')).toBe(1);
    expect(await stores.log('m4')).toMatch(/unmatched member while checking PeerURLs/);
    const bad = { peerURLs: ['no url'] };
    await expect(call(stores.clients('m2').cluster, 'memberAdd', bad)).rejects.toMatchObject({
      code: 3,
      details: 'etcdserver: given member URLs are invalid',
    });
    for (const method of ['memberRemove', 'memberPromote', 'memberUpdate'])
      await expect(
        call(stores.clients('m2').cluster, method, { ID: 99, peerURLs: ['http://10.0.0.9:1'] }),
      ).rejects.toMatchObject({ code: 5, details: 'etcdserver: member not found' });
  });
});
