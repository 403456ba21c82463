import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../test/support/until.js';
import { build, call, StoreProcesses } from './replica-process-fixture.js';

beforeAll(build, 120_000);

const witness = 'm3';
const withData = ['m1', 'm2'] as const;

async function start(): Promise<StoreProcesses> {
  const stores = await StoreProcesses.create([`--initial-cluster-witnesses=${witness}`]);
  stores.startAll();
  await stores.leader();
  await Promise.all(stores.names.map((name) => stores.serving(name)));
  return stores;
}

const put = (stores: StoreProcesses, name: string, key: string): Promise<unknown> =>
  call(stores.clients(name).kv, 'put', { key: Buffer.from(key), value: Buffer.from(key) });

async function keys(stores: StoreProcesses, name: string): Promise<ReadonlySet<string>> {
  const everything = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]), keysOnly: true };
  const { kvs } = await call<{ kvs: { key: Buffer }[] }>(stores.clients(name).kv, 'range', everything);
  return new Set(kvs.map(({ key }) => key.toString()));
}

async function writtenBytes(stores: StoreProcesses, name: string): Promise<number> {
  const io = await readFile(`/proc/${stores.pid(name)}/io`, 'utf8');
  return Number(/^write_bytes: (\d+)$/m.exec(io)![1]);
}

/** Writes through one member until told to stop; an error is an answer too, but no acknowledgement. */
function writer(stores: StoreProcesses, name: string, prefix: string) {
  const acknowledged: string[] = [];
  let stopped = false;
  const writing = (async () => {
    for (let index = 0; !stopped; index++) {
      const key = `${prefix}-${String(index).padStart(6, '0')}`;
      await put(stores, name, key).then(
        () => acknowledged.push(key),
        () => undefined,
      );
    }
  })();
  return {
    acknowledged,
    more: (count: number) => {
      const before = acknowledged.length;
      return until(`${count} more writes`, () => acknowledged.length >= before + count);
    },
    stop: () => ((stopped = true), writing),
  };
}

describe('two members with data and a witness', { timeout: 180_000 }, () => {
  test.each(['the leader', 'the follower'])(
    '%s is killed under writes: the other goes on, nothing acknowledged is lost, and it catches up',
    async (which) => {
      const stores = await start();
      const leader = await stores.leader();
      const killed = which === 'the leader' ? leader : withData.find((name) => name !== leader)!;
      const other = withData.find((name) => name !== killed)!;
      const writes = writer(stores, other, 'k');
      await writes.more(50);
      await stores.kill(killed);
      await writes.more(50);
      stores.start(killed);
      await stores.serving(killed);
      await writes.more(50);
      await writes.stop();
      for (const name of withData) {
        const found = await keys(stores, name);
        expect(writes.acknowledged.filter((key) => !found.has(key))).toEqual([]);
      }
      // What the witness held for it, it may forget; now the other one goes.
      const again = writer(stores, killed, 'l');
      await again.more(20);
      await stores.kill(other);
      await again.more(50);
      await again.stop();
      const found = await keys(stores, killed);
      const lost = [...writes.acknowledged, ...again.acknowledged].filter((key) => !found.has(key));
      expect(lost).toEqual([]);
    },
  );

  test('the witness is killed: writes go on; and it is asked for nothing that it has not', async () => {
    const stores = await start();
    const [m1] = withData;
    const writes = writer(stores, m1, 'k');
    await writes.more(20);
    const refusal = { code: 14, details: expect.stringContaining('this member is a witness') };
    await expect(put(stores, witness, 'x')).rejects.toMatchObject(refusal);
    await expect(keys(stores, witness)).rejects.toMatchObject(refusal);
    const { members } = await call<{ members: object[] }>(stores.clients(witness).cluster, 'memberList', {
      linearizable: true,
    });
    expect(members).toHaveLength(3);
    await stores.kill(witness);
    await writes.more(50);
    stores.start(witness);
    await stores.serving(witness);
    await writes.more(50);
    await writes.stop();
  });

  test('a healthy cluster writes nothing on the witness', async () => {
    const stores = await start();
    const writes = writer(stores, withData[0], 'k');
    await writes.more(100);
    // A member that lags, or an election, on a machine that is busy: then it was not healthy, and is watched again.
    const writtenMeanwhile = async (): Promise<number> => {
      const before = await writtenBytes(stores, witness);
      await writes.more(300);
      return (await writtenBytes(stores, witness)) - before;
    };
    await expect.poll(writtenMeanwhile, { timeout: 120_000 }).toBe(0);
    await writes.stop();
  });
});
