import { beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../test/support/until.js';
import { build, call, StoreProcesses, type StoreClients } from './replica-process-fixture.js';

beforeAll(build, 120_000);

const put = ({ kv }: StoreClients, key: string, value: string, waiting = true): Promise<unknown> =>
  call(kv, 'put', { key: Buffer.from(key), value: Buffer.from(value) }, { waiting });

async function contents({ kv }: StoreClients): Promise<Map<string, string>> {
  const everything = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
  const { kvs } = await call<{ kvs: { key: Buffer; value: Buffer }[] }>(kv, 'range', everything);
  return new Map(kvs.map(({ key, value }) => [key.toString(), value.toString()]));
}

/** Writes one key after the other until told to stop; answers how many were refused, and the longest time without an acknowledgement. */
function writer(clients: StoreClients, prefix: string) {
  const acknowledged: string[] = [];
  let errors = 0;
  let longestGapMs = 0;
  let stopped = false;
  const writing = (async () => {
    let lastMs = performance.now();
    for (let index = 0; !stopped; index++) {
      const key = `${prefix}-${String(index).padStart(6, '0')}`;
      try {
        await put(clients, key, key, false);
        acknowledged.push(key);
        longestGapMs = Math.max(longestGapMs, performance.now() - lastMs);
        lastMs = performance.now();
      } catch {
        errors += 1;
      }
    }
  })();
  return {
    acknowledged,
    stop: async () => {
      stopped = true;
      await writing;
      return { errors, longestGapMs };
    },
  };
}

describe('three processes', { timeout: 120_000 }, () => {
  test('the leader is killed under writes: those of the others pause, for less than their timeout, and none is lost or refused', async () => {
    const stores = await StoreProcesses.create();
    stores.startAll();
    const killed = await stores.leader();
    const others = stores.names.filter((name) => name !== killed);
    const writers = others.map((name) => writer(stores.clients(name), name));
    await until('writes', () => writers.every(({ acknowledged }) => acknowledged.length > 50));
    await stores.kill(killed);
    const before = writers.map(({ acknowledged }) => acknowledged.length);
    await until('writes after the kill', () =>
      writers.every(({ acknowledged }, index) => acknowledged.length > before[index]! + 50),
    );
    const results = await Promise.all(writers.map((each) => each.stop()));
    const gaps = results.map(({ longestGapMs }) => Math.round(longestGapMs));
    console.info(`leader killed: longest gap between acknowledged writes ${gaps.join(' and ')} ms`);
    expect(results.map(({ errors }) => errors)).toEqual([0, 0]);
    const found = await contents(stores.clients(others[0]!));
    for (const { acknowledged } of writers) for (const key of acknowledged) expect(found.get(key)).toBe(key);
  });

  test('all are killed at once under writes and started again: nothing acknowledged is lost', async () => {
    const stores = await StoreProcesses.create();
    stores.startAll();
    await stores.leader();
    const acknowledged: string[] = [];
    for (let round = 0; round < 2; round++) {
      const writers = stores.names.map((name) => writer(stores.clients(name), `${round}-${name}`));
      await until('writes', () => writers.every((each) => each.acknowledged.length > 100));
      await Promise.all(stores.names.map((name) => stores.kill(name)));
      await Promise.all(writers.map((each) => each.stop()));
      acknowledged.push(...writers.flatMap((each) => each.acknowledged));
      stores.startAll();
      await stores.leader();
      for (const name of stores.names) {
        await stores.serving(name);
        const found = await contents(stores.clients(name));
        expect(acknowledged.filter((key) => found.get(key) !== key)).toEqual([]);
      }
    }
  });

  test('a member that was away longer than the log reaches back is given the state', async () => {
    const stores = await StoreProcesses.create(['--snapshot-count=100', '--snapshot-catchup-entries=50']);
    stores.startAll();
    const leader = await stores.leader();
    const away = stores.names.find((name) => name !== leader)!;
    await stores.kill(away);
    const value = 'v'.repeat(10_000);
    for (let group = 0; group < 10; group++)
      await Promise.all(
        Array.from({ length: 100 }, (_, index) => put(stores.clients(leader), `g${group}-${index}`, value)),
      );
    stores.start(away);
    await stores.serving(away);
    const found = await contents(stores.clients(away));
    expect(found.size).toBe(1_000);
    expect(await stores.log(away)).toContain('took over a snapshot');
    await stores.kill(away);
    stores.start(away);
    await stores.serving(away);
    await put(stores.clients(leader), 'after', 'restart');
    expect((await contents(stores.clients(away))).size).toBe(1_001);
  });

  test('a member whose disk was replaced ends and says how it is rebuilt; then it is', async () => {
    const stores = await StoreProcesses.create();
    stores.startAll();
    const leader = await stores.leader();
    const lost = stores.names.find((name) => name !== leader)!;
    await put(stores.clients(lost), 'before', 'the loss');
    await stores.kill(lost);
    await stores.loseData(lost);
    stores.start(lost);
    expect(await stores.ended(lost)).toBe(1);
    expect(await stores.log(lost)).toMatch(
      /raftsman store: member m\d comes with another data directory .*--initial-cluster-state=existing/,
    );
    await stores.loseData(lost);
    stores.start(lost, { flags: ['--initial-cluster-state=existing'] });
    await stores.serving(lost);
    expect(await contents(stores.clients(lost))).toEqual(new Map([['before', 'the loss']]));
    await put(stores.clients(lost), 'after', 'the loss');
  });

  test('a member whose disk refuses a write ends at once and says so; the others go on', async () => {
    const stores = await StoreProcesses.create();
    stores.startAll();
    await stores.leader();
    await stores.serving('m2');
    await stores.limitFiles('m1', 512 * 1024);
    const value = 'v'.repeat(10_000);
    for (let index = 0; index < 100; index++) await put(stores.clients('m2'), `k${index}`, value);
    expect(await stores.ended('m1')).toBe(1);
    expect(await stores.log('m1')).toMatch(/raftsman store: data directory .*: .*file too large/i);
    await put(stores.clients('m2'), 'after', value);
    expect((await contents(stores.clients('m3'))).size).toBe(101);
  });
});
