import { ApiError } from '@raftsman/api';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../src/api-client.js';
import { isAlreadyExists, isConflict, isNotFound } from '../src/errors.js';
import { configMap, configMaps, connect, type ConfigMap } from './support/client.js';
import { startMemoryApiserver, type MemoryApiserver } from './support/memory-apiserver.js';
import { MemoryStore } from './support/memory-store.js';
import { until } from './support/until.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
const serve = async (store?: MemoryStore): Promise<MemoryApiserver> => {
  const server = await startMemoryApiserver(store);
  open.unshift(server);
  return server;
};
const client = (...servers: MemoryApiserver[]): ApiClient => {
  const made = connect(...servers.map(({ address }) => address));
  open.unshift(made);
  return made;
};
const total = (server: MemoryApiserver, name: string): number => server.calls.get(name) ?? 0;

describe('api client', () => {
  it('creates, reads, updates, lists page by page and deletes', async () => {
    const server = await serve();
    const maps = client(server).of<ConfigMap>(configMaps);
    const stored = await maps.create(configMap('a', { x: '1' }));
    expect(stored.metadata.uid).not.toBe('');
    const updated = await maps.update({ ...stored, data: { x: '2' } });
    expect((await maps.get({ namespace: 'default', name: 'a' })).data).toEqual({ x: '2' });
    expect(Number(updated.metadata.resourceVersion)).toBeGreaterThan(Number(stored.metadata.resourceVersion));
    for (let index = 0; index < 1_100; index += 1) {
      server.store.create(
        { group: '', version: 'v1', resource: 'configmaps', namespace: 'many', name: '', subresource: '' },
        configMap(`m${index}`, {}, 'many'),
      );
    }
    expect((await maps.list({ namespace: 'many' })).items).toHaveLength(1_100);
    expect(total(server, 'list configmaps')).toBe(3);
    await maps.delete({ namespace: 'default', name: 'a' }, { uid: stored.metadata.uid });
    await expect(maps.get({ namespace: 'default', name: 'a' })).rejects.toSatisfy(isNotFound);
  });

  it("carries the server's Status, whole", async () => {
    const maps = client(await serve()).of<ConfigMap>(configMaps);
    const stored = await maps.create(configMap('a'));
    const error = await maps.create(configMap('a')).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(isAlreadyExists(error)).toBe(true);
    expect((error as ApiError).status).toMatchObject({
      code: 409,
      details: { name: 'a', kind: 'configmaps' },
    });
    await maps.update(stored);
    await expect(maps.update(stored)).rejects.toSatisfy(isConflict);
  });

  it('modify starts over on a conflict until it wins', async () => {
    const maps = client(await serve()).of<ConfigMap>(configMaps);
    const stale = await maps.create(configMap('a', { count: '0' }));
    const raise = () =>
      maps.modify(
        { namespace: 'default', name: 'a' },
        (now) => ({ ...now, data: { count: String(Number(now.data['count']) + 1) } }),
        { start: stale },
      );
    await Promise.all([raise(), raise(), raise()]);
    expect((await maps.get({ namespace: 'default', name: 'a' })).data).toEqual({ count: '3' });
  });

  it('spreads calls over the apiservers, and waits for none that has died', async () => {
    const store = new MemoryStore();
    const servers = [await serve(store), await serve(store), await serve(store)];
    // Whoever waited for an answer of the dead would wait beyond the end of the test.
    const patience = { attemptTimeoutMs: 600_000, callTimeoutMs: 600_000 };
    const maps = client(...servers)
      .withTimeouts(patience)
      .of<ConfigMap>(configMaps);
    await maps.create(configMap('a'));
    await until(async () => {
      await maps.get({ namespace: 'default', name: 'a' });
      return servers.every((server) => total(server, 'get configmaps') > 0);
    }, 'every apiserver was asked');
    await servers[0]!.close();
    const answered = (): number =>
      servers.slice(1).reduce((sum, server) => sum + total(server, 'get configmaps'), 0);
    const before = answered();
    for (let index = 0; index < 20; index += 1) await maps.get({ namespace: 'default', name: 'a' });
    expect(answered() - before).toBe(20);
  });

  it('asks another apiserver when one says UNAVAILABLE or nothing, but never repeats a nameless create', async () => {
    const store = new MemoryStore();
    const [ill, well] = [await serve(store), await serve(store)];
    const maps = client(ill, well).withTimeouts({ attemptTimeoutMs: 200 }).of<ConfigMap>(configMaps);
    await maps.create(configMap('a'));
    for (const failure of ['hang', new Error('no leader')] as const) {
      ill.fail = () => failure;
      for (let index = 0; index < 6; index += 1) await maps.get({ namespace: 'default', name: 'a' });
    }
    well.fail = () => new Error('no leader');
    const nameless = { ...configMap('b'), metadata: { namespace: 'default', generateName: 'b-' } };
    const before = total(ill, 'create configmaps') + total(well, 'create configmaps');
    await expect(maps.create(nameless as unknown as ConfigMap)).rejects.toMatchObject({ code: 503 });
    expect(total(ill, 'create configmaps') + total(well, 'create configmaps')).toBe(before + 1);
  });

  it('says so when no apiserver is reachable, within the deadline', async () => {
    const gone = await serve();
    const maps = client(gone).withTimeouts({ callTimeoutMs: 300 }).of<ConfigMap>(configMaps);
    await gone.close();
    await expect(maps.get({ namespace: 'default', name: 'a' })).rejects.toMatchObject({ code: 503 });
  });

  it('ends the calls of a scope with its signal', async () => {
    const server = await serve();
    server.fail = () => 'hang';
    const scope = new AbortController();
    const call = client(server).scoped(scope.signal).of(configMaps).get({ namespace: 'default', name: 'a' });
    await until(() => total(server, 'get configmaps') === 1, 'the call arrived');
    scope.abort();
    await expect(call).rejects.toBeInstanceOf(ApiError);
  });
});
