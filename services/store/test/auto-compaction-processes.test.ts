import type { ServiceError } from '@grpc/grpc-js';
import { beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../test/support/until.js';
import { build, call, StoreProcesses, type StoreClients } from './replica-process-fixture.js';

beforeAll(build, 120_000);

const key = Buffer.from('k');

async function put({ kv }: StoreClients, times: number): Promise<number> {
  let revision = 0;
  for (let time = 0; time < times; time += 1) {
    const { header } = await call<{ header: { revision: string } }>(kv, 'put', { key, value: key });
    revision = Number(header.revision);
  }
  return revision;
}

const isCompacted = ({ kv }: StoreClients, revision: number): Promise<boolean> =>
  call(kv, 'range', { key, revision }).then(
    () => false,
    ({ details }: ServiceError) => details === 'etcdserver: mvcc: required revision has been compacted',
  );

describe('three processes with a retention of a second', { timeout: 180_000 }, () => {
  test('forget what is older, also under the next leader, and nothing else', async () => {
    const stores = await StoreProcesses.create(['--auto-compaction-retention=1s']);
    stores.startAll();
    const leader = await stores.leader();
    const first = stores.clients(leader);
    const old = await put(first, 20);
    await until('the first compaction', async () => {
      await put(first, 1);
      return isCompacted(first, old - 1);
    });
    for (const name of stores.names)
      await until(`it on ${name}`, () => isCompacted(stores.clients(name), old - 1));

    await stores.kill(leader);
    const second = stores.clients(await stores.leader());
    const later = await put(second, 20);
    await until('a compaction by the next leader', async () => {
      await put(second, 1);
      return isCompacted(second, later - 1);
    });
    const { kvs } = await call<{ kvs: { value: Buffer }[] }>(second.kv, 'range', { key });
    expect(kvs).toMatchObject([{ value: key }]);
  });
});
