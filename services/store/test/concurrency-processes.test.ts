import { credentials, type Client, type ClientReadableStream } from '@grpc/grpc-js';
import { loadService } from '@raftsman/wire';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../../test/support/until.js';
import { build, call, StoreProcesses } from './replica-process-fixture.js';

beforeAll(build, 120_000);

function clientAt(stores: StoreProcesses, name: string, file: string, service: string): Client {
  const target = stores.clients(name).kv.getChannel().getTarget();
  const client = new (loadService(file, service))(target, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}
const lockAt = (stores: StoreProcesses, name: string) =>
  clientAt(stores, name, 'etcd/lock.proto', 'v3lockpb.Lock');
const electionAt = (stores: StoreProcesses, name: string) =>
  clientAt(stores, name, 'etcd/election.proto', 'v3electionpb.Election');

const grant = async (stores: StoreProcesses, at: string, ID: string, TTL: string) => {
  await call(stores.clients(at).lease, 'leaseGrant', { ID, TTL });
  return ID;
};

async function startThree() {
  const stores = await StoreProcesses.create();
  stores.startAll();
  const leader = await stores.leader();
  const [left, right] = stores.names.filter((name) => name !== leader) as [string, string];
  await Promise.all([stores.serving(left), stores.serving(right)]);
  return { stores, leader, left, right };
}

const name = Buffer.from('mutex');

/** As a session of a client's library does: again with the same lease when the cluster could not say. */
async function insist<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  const untilMs = performance.now() + 30_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

describe('a lock', { timeout: 120_000 }, () => {
  test('has one holder at a time and goes on to the next, while the leader is killed', async () => {
    const { stores, leader, left, right } = await startThree();
    const rounds = 15;
    let holders = 0;
    let most = 0;
    const held: string[] = [];
    const counter = { key: Buffer.from('counter') };
    const work = async (at: string, lease: string): Promise<void> => {
      const lock = lockAt(stores, at);
      const { kv } = stores.clients(at);
      await grant(stores, at, lease, '600');
      for (let round = 0; round < rounds; round += 1) {
        const { key } = await insist(() => call<{ key: Buffer }>(lock, 'lock', { name, lease }));
        holders += 1;
        most = Math.max(most, holders);
        held.push(lease);
        // What a lock is for: nobody else changes this between the reading and the writing.
        const { kvs } = await insist(() => call<{ kvs: { value: Buffer }[] }>(kv, 'range', counter));
        const value = Buffer.from(String(Number(kvs[0]?.value.toString() ?? '0') + 1));
        await insist(() => call(kv, 'put', { ...counter, value }));
        holders -= 1;
        await insist(() => call(lock, 'unlock', { key }));
      }
    };
    const working = [left, right, left, right].map((at, index) => work(at, String(100 + index)));
    const done = Promise.all(working);
    done.catch(() => undefined); // Awaited below.
    await until('a first turn of each', () => new Set(held).size === 4);
    const before = held.length;
    expect(before).toBeLessThan(4 * rounds);
    await stores.kill(leader);
    await done;
    expect(held.length).toBe(4 * rounds);
    expect(most).toBe(1);
    const { kvs } = await call<{ kvs: { value: Buffer }[] }>(stores.clients(left).kv, 'range', counter);
    expect(kvs[0]!.value.toString()).toBe(String(4 * rounds));
  });

  test('of a holder who fell silent with the leader goes to who waits, once the lease has ended', async () => {
    const { stores, leader, left, right } = await startThree();
    await grant(stores, left, '2', '600');
    await grant(stores, right, '3', '600');
    // The last, and not too short: it must not end before it holds the lock.
    await grant(stores, leader, '1', '5');
    await call(lockAt(stores, leader), 'lock', { name, lease: '1' });
    const got: string[] = [];
    const wait = async (at: string, lease: string) => {
      const { key } = await call<{ key: Buffer }>(lockAt(stores, at), 'lock', { name, lease });
      got.push(lease);
      return key;
    };
    const placeOf = (at: string, lease: string) =>
      call<{ count: string }>(stores.clients(at).kv, 'range', { key: Buffer.from(`mutex/${lease}`) });
    const inLine = async (at: string, lease: string): Promise<void> => {
      while ((await placeOf(at, lease)).count === '0');
    };
    const second = wait(left, '2');
    await inLine(left, '2');
    const third = wait(right, '3');
    await inLine(right, '3');
    await stores.kill(leader);
    const key = await second;
    expect(key.toString()).toBe('mutex/2');
    expect(await placeOf(right, '1')).toMatchObject({ count: '0' });
    expect(got).toEqual(['2']);
    await call(lockAt(stores, right), 'unlock', { key });
    expect((await third).toString()).toBe('mutex/3');
    expect(got).toEqual(['2', '3']);
  });
});

describe('an election', { timeout: 120_000 }, () => {
  test('is observed in order, every leader once, while the leader of the store is killed', async () => {
    const { stores, leader, left, right } = await startThree();
    const seen: string[] = [];
    const observe = (electionAt(stores, left) as unknown as Observes).observe({ name });
    observe.on('data', (response: Leader) => seen.push(response.kv.value.toString()));
    const broken: Error[] = [];
    observe.on('error', (error) => broken.push(error));
    onTestFinished(() => observe.cancel());
    const campaign = async (at: string, lease: string) => {
      await grant(stores, at, lease, '600');
      const request = { name, lease, value: Buffer.from(`c${lease}`) };
      return call<{ leader: object }>(electionAt(stores, at), 'campaign', request);
    };
    const first = await campaign(left, '1');
    await until('the first leader', () => seen.length === 1);
    const second = campaign(right, '2');
    const { kv } = stores.clients(left);
    const candidates = { key: Buffer.from('mutex/'), rangeEnd: Buffer.from('mutex0') };
    while ((await call<{ count: string }>(kv, 'range', candidates)).count !== '2');
    const third = campaign(left, '3');
    while ((await call<{ count: string }>(kv, 'range', candidates)).count !== '3');
    await stores.kill(leader);
    await insist(() => call(electionAt(stores, right), 'resign', { leader: first.leader }));
    const { leader: elected } = await second;
    await call(electionAt(stores, left), 'proclaim', { leader: elected, value: Buffer.from('c2 again') });
    await until('the second leader', () => seen.length === 3);
    await call(electionAt(stores, left), 'resign', { leader: elected });
    await third;
    await until('the third leader', () => seen.length === 4);
    expect(seen).toEqual(['c1', 'c2', 'c2 again', 'c3']);
    expect(broken).toEqual([]);
  });
});

interface Leader {
  readonly kv: { readonly value: Buffer };
}
interface Observes {
  observe(request: object): ClientReadableStream<Leader>;
}
