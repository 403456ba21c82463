import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '@raftsman/api';
import { createLogger } from '@raftsman/telemetry';
import {
  createEtcdClient,
  createEventLeases,
  createStorage,
  compactOnce,
  type StorageError,
  type EtcdClient,
  type EtcdEvent,
  type Storage,
} from '@raftsman/apiserver';
import {
  eventually,
  startStore,
  stopProcess,
  storeMissing,
  type StoreKind,
  type TestStore,
} from './harness.js';

const logger = createLogger({ component: 'test', level: 'silent' });
const objectOf = (name: string, value: string, uid = name): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid },
  data: { value },
});

/** What any etcd v3 under an apiserver must do. */
describe.each<StoreKind>(['etcd', 'raftsman'])('storage on %s', (kind) => {
  const missing = storeMissing(kind);
  describe.skipIf(missing !== null)('with one member', () => {
    let store: TestStore;
    let client: EtcdClient;
    let storage: Storage;

    beforeAll(async () => {
      store = await startStore(kind);
      client = createEtcdClient({ addresses: store.addresses, security: 'insecure', logger });
      storage = createStorage(client);
      await eventually(() => storage.keys('/'));
    });
    afterAll(async () => {
      client.close();
      await store.stop();
    });

    test('an object is read as it was written, with its revision', async () => {
      const made = await storage.create('/r/read/a', objectOf('a', '1'));
      expect(made.kind).toBe('written');
      const read = await storage.get('/r/read/a');
      expect(read!.object['data']).toEqual({ value: '1' });
      expect(read!.object.metadata.resourceVersion).toBe(String(read!.modRevision));
      expect(await storage.get('/r/read/none')).toBeNull();
    });

    test('a key is created once', async () => {
      await storage.create('/r/once', objectOf('once', 'first'));
      const second = await storage.create('/r/once', objectOf('once', 'second', 'other-uid'));
      expect(second).toMatchObject({ kind: 'changed', current: { object: { data: { value: 'first' } } } });
    });

    test('a repeated write whose first answer was lost counts as written', async () => {
      const object = objectOf('lost', '1');
      const first = await storage.create('/r/lost', object);
      const again = await storage.create('/r/lost', object);
      expect(again).toEqual(first);
    });

    test('an update with an old revision changes nothing and shows what is there', async () => {
      const made = await storage.create('/r/update', objectOf('u', '1'));
      if (made.kind !== 'written') throw new Error('not written');
      const { modRevision } = made.stored;
      expect((await storage.update('/r/update', modRevision, objectOf('u', '2'))).kind).toBe('written');
      const late = await storage.update('/r/update', modRevision, objectOf('u', '3'));
      expect(late).toMatchObject({ kind: 'changed', current: { object: { data: { value: '2' } } } });
    });

    test('of many writers of one revision, one wins', async () => {
      const made = await storage.create('/r/race', objectOf('race', '0'));
      if (made.kind !== 'written') throw new Error('not written');
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          storage.update('/r/race', made.stored.modRevision, objectOf('race', `${n}`)),
        ),
      );
      expect(answers.filter((each) => each.kind === 'written')).toHaveLength(1);
    });

    test('a deletion answers the last object, and a second one that it is gone', async () => {
      const made = await storage.create('/r/delete', objectOf('d', '1'));
      if (made.kind !== 'written') throw new Error('not written');
      const gone = await storage.delete(made.stored);
      expect(gone).toMatchObject({ kind: 'written', stored: { object: { data: { value: '1' } } } });
      expect(await storage.get('/r/delete')).toBeNull();
    });

    test('claims are held by one object, and released by its deletion', async () => {
      const claims = ['/r/claims/ip-1'];
      const made = await storage.create('/r/claimer-1', objectOf('one', '1'), { claims });
      if (made.kind !== 'written') throw new Error('not written');
      const second = await storage.create('/r/claimer-2', objectOf('two', '2'), { claims });
      expect(second).toEqual({ kind: 'claimed', claims });
      expect(await storage.get('/r/claimer-2')).toBeNull();
      await storage.delete(made.stored, { releases: claims });
      expect((await storage.create('/r/claimer-2', objectOf('two', '2'), { claims })).kind).toBe('written');
    });

    test('a list is read in pages of one revision', async () => {
      for (let n = 0; n < 7; n += 1) await storage.create(`/r/pages/${n}`, objectOf(`p${n}`, `${n}`));
      const first = await storage.list('/r/pages/', { limit: 3 });
      expect(first.items.map(({ key }) => key)).toEqual(['/r/pages/0', '/r/pages/1', '/r/pages/2']);
      expect(first.remaining).toBe(4);
      await storage.create('/r/pages/9', objectOf('p9', '9'));
      const { revision } = first;
      const rest = await storage.list('/r/pages/', { limit: 0, startKey: '/r/pages/2\0', revision });
      expect(rest.items.map(({ key }) => key.at(-1))).toEqual(['3', '4', '5', '6']);
      expect((await storage.list('/r/pages/', { limit: 0 })).items).toHaveLength(8);
    });

    test('a watch tells every change after its revision, in order', async () => {
      const { revision } = await storage.list('/r/watch/', { limit: 0 });
      const seen: EtcdEvent[] = [];
      const made = await storage.create('/r/watch/a', objectOf('a', '1'));
      if (made.kind !== 'written') throw new Error('not written');
      const watch = storage.watch('/r/watch/', revision + 1, {
        onOpen: () => undefined,
        onEvents: (events) => seen.push(...events),
        onEnd: () => undefined,
      });
      const changed = await storage.update('/r/watch/a', made.stored.modRevision, objectOf('a', '2'));
      if (changed.kind !== 'written') throw new Error('not written');
      await storage.delete(changed.stored);
      await eventually(() => seen.length === 3);
      watch.close();
      expect(seen.map(({ object }) => (object?.['data'] as { value: string } | undefined)?.value)).toEqual([
        '1',
        '2',
        undefined,
      ]);
      expect(seen.map((each) => each.revision)).toEqual(
        seen.map((each) => each.revision).toSorted((a, b) => a - b),
      );
    });

    test('a watch and a list from a compacted revision say so', async () => {
      const made = await storage.create('/r/compact', objectOf('c', '0'));
      if (made.kind !== 'written') throw new Error('not written');
      let seen = await compactOnce(client, null);
      await storage.update('/r/compact', made.stored.modRevision, objectOf('c', '1'));
      seen = await compactOnce(client, seen);
      await storage.create('/r/compact-2', objectOf('c2', '1'));
      await compactOnce(client, seen);
      const revision = 2;
      await expect(storage.list('/r/', { limit: 1, revision })).rejects.toMatchObject({ code: 'compacted' });
      const ended = await new Promise<StorageError>((resolve) => {
        storage.watch('/r/', revision, {
          onOpen: () => undefined,
          onEvents: () => undefined,
          onEnd: resolve,
        });
      });
      expect(ended.code).toBe('compacted');
    });

    test('Events share a lease', async () => {
      const lease = createEventLeases(client, Date.now);
      const [first, second] = await Promise.all([lease(), lease()]);
      expect(first).toBe(second);
      expect((await storage.create('/r/event', objectOf('e', '1'), { lease: first })).kind).toBe('written');
    });

    test('a value that is too large is refused', async () => {
      const large = objectOf('large', 'x'.repeat(1_600_000));
      await expect(storage.create('/r/large', large)).rejects.toMatchObject({ code: 'too-large' });
    });
  });

  describe.skipIf(missing !== null)('with three members', () => {
    test('writes and watches go on when the member in use is killed', async () => {
      const store = await startStore(kind, 3);
      const client = createEtcdClient({ addresses: store.addresses, security: 'insecure', logger });
      const storage = createStorage(client);
      try {
        const { revision } = await eventually(() => storage.list('/r/', { limit: 0 }), 30_000);
        const seen: string[] = [];
        let over = false;
        const open = (from: number): void => {
          if (over) return;
          let next = from;
          storage.watch('/r/', from, {
            onOpen: () => undefined,
            onEvents: (events) => {
              for (const event of events) {
                seen.push(event.key);
                next = event.revision + 1;
              }
            },
            onEnd: () => open(next),
          });
        };
        open(revision + 1);
        const wanted: string[] = [];
        for (let n = 0; n < 60; n += 1) {
          if (n === 20) await stopProcess(store.processes[0]!);
          const key = `/r/${String(n).padStart(3, '0')}`;
          wanted.push(key);
          expect((await storage.create(key, objectOf(`o${n}`, `${n}`))).kind).toBe('written');
        }
        await eventually(() => seen.length === wanted.length);
        over = true;
        expect(seen).toEqual(wanted);
      } finally {
        client.close();
        await store.stop();
      }
    }, 120_000);

    test('without a majority a write fails in time, and says that it may have happened', async () => {
      const store = await startStore(kind, 3);
      const client = createEtcdClient({ addresses: store.addresses, security: 'insecure', logger });
      const storage = createStorage(client);
      try {
        await eventually(() => storage.create('/r/before', objectOf('b', '1')), 30_000);
        await Promise.all(store.processes.slice(1).map(stopProcess));
        await expect(storage.create('/r/after', objectOf('a', '1'))).rejects.toMatchObject({
          code: 'unavailable',
        });
      } finally {
        client.close();
        await store.stop();
      }
    }, 120_000);
  });
});
