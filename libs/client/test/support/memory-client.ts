import type { KubeObject } from '@raftsman/api';
import type { ApiClient } from '../../src/api-client.js';
import type { ResourceClient, WatchOptions } from '../../src/resource-client.js';
import type { ObjectLike, Stored, WatchEvent } from '../../src/types.js';
import type { MemoryStore, Ref } from './memory-store.js';

/** A client that reaches one resource of a store without a network, so that everything between is virtual time. */
export interface MemoryClient {
  readonly client: ApiClient;
  /** Every call fails with this until it is undefined again; a watch says nothing meanwhile. */
  fail: Error | undefined;
  /** Successful calls of `update`. */
  updates: number;
}

export function createMemoryClient(store: MemoryStore, ref: Ref): MemoryClient {
  const at = (name: string, namespace: string | undefined): Ref => ({
    ...ref,
    name,
    namespace: namespace ?? '',
  });
  const of = (object: ObjectLike): Ref => at(object.metadata?.name ?? '', object.metadata?.namespace);
  const call = <T>(verb: () => T): Promise<T> =>
    memory.fail === undefined ? Promise.resolve().then(verb) : Promise.reject(memory.fail);
  const leases = {
    get: ({ name, namespace }: { name: string; namespace?: string }) =>
      call(() => store.get(at(name, namespace))),
    list: () =>
      call(() => ({ items: store.list({ ...ref, name: '' }), resourceVersion: String(store.revision) })),
    create: (object: ObjectLike) => call(() => store.create(of(object), object as KubeObject)),
    update: (object: ObjectLike) =>
      call(() => {
        const stored = store.update(of(object), object as KubeObject);
        memory.updates += 1;
        return stored;
      }),
    watch: (options: WatchOptions) => watch(store, memory, options),
  } as unknown as ResourceClient<ObjectLike>;
  const client = {
    of: () => leases,
    scoped: () => client,
    withTimeouts: () => client,
  } as unknown as ApiClient;
  const memory: MemoryClient = { client, fail: undefined, updates: 0 };
  return memory;
}

async function* watch(
  store: MemoryStore,
  memory: MemoryClient,
  { resourceVersion, signal }: WatchOptions,
): AsyncGenerator<WatchEvent<ObjectLike>, void, undefined> {
  const events: WatchEvent<ObjectLike>[] = [];
  let wake = (): void => {};
  const stop = store.watch(Number(resourceVersion), ({ type, object }) => {
    events.push({ type, object: object as unknown as Stored<ObjectLike> } as WatchEvent<ObjectLike>);
    wake();
  });
  signal?.addEventListener('abort', () => wake(), { once: true });
  try {
    while (signal?.aborted !== true) {
      if (memory.fail !== undefined) events.length = 0;
      while (events.length > 0) yield events.shift()!;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stop();
  }
}
