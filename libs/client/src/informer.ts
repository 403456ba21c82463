import { ApiError } from '@raftsman/api';
import type { Logger } from '@raftsman/telemetry';
import { shared, sleep, systemClock, yieldToEventLoop, type Clock } from './clock.js';
import { isExpired } from './errors.js';
import { Indexer, type Indexes, type Lister } from './indexer.js';
import { clientLimits } from './limits.js';
import type { ResourceClient } from './resource-client.js';
import { keyOf, type ListOptions, type ObjectLike, type Stored, type WatchEvent } from './types.js';

/** `before` is absent for a new object, `after` for one that is gone. */
export interface Change<T> {
  readonly before: Stored<T> | undefined;
  readonly after: Stored<T> | undefined;
}

export interface InformerOptions<T extends ObjectLike> extends ListOptions {
  readonly client: ResourceClient<T>;
  readonly indexes?: Indexes<T>;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Jitter, from 0 to 1. */
  readonly random?: () => number;
}

/**
 * A cache of a resource that follows the API: list, watch, resume where the watch broke, list anew when that is too old.
 * It may lag behind but never goes back, and it never skips the last state of an object. Changes that happened between two
 * views of an object come as one.
 */
export interface Informer<T extends ObjectLike> extends Lister<T> {
  /** Called after the cache has changed; must only enqueue. Add handlers before `run`. */
  onChange(handler: (change: Change<T>) => void): void;
  /** True once the first list is in the cache and was handed to the handlers. */
  readonly hasSynced: boolean;
  /** Resolves true with the first sync, false if `signal` aborts before. */
  waitForSync(signal: AbortSignal): Promise<boolean>;
  /** Runs until `signal` aborts. Rejects only for a bug. */
  run(signal: AbortSignal): Promise<void>;
}

export function createInformer<T extends ObjectLike>(options: InformerOptions<T>): Informer<T> {
  return new CachingInformer(options);
}

class CachingInformer<T extends ObjectLike> implements Informer<T> {
  readonly #options: InformerOptions<T>;
  readonly #clock: Clock;
  readonly #cache: Indexer<T>;
  readonly #handlers: ((change: Change<T>) => void)[] = [];
  readonly #syncWaiters = new Set<() => void>();
  /** Where the watch goes on; undefined: a list is due. */
  #resourceVersion: string | undefined;
  #synced = false;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#cache = new Indexer(options.indexes);
  }

  get size(): number {
    return this.#cache.size;
  }
  get hasSynced(): boolean {
    return this.#synced;
  }
  get(key: string): Stored<T> | undefined {
    return this.#cache.get(key);
  }
  list(): Stored<T>[] {
    return this.#cache.list();
  }
  by(index: string, value: string): Stored<T>[] {
    return this.#cache.by(index, value);
  }
  onChange(handler: (change: Change<T>) => void): void {
    this.#handlers.push(handler);
  }

  waitForSync(signal: AbortSignal): Promise<boolean> {
    if (this.#synced || signal.aborted) return Promise.resolve(this.#synced);
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#syncWaiters.delete(settle);
        signal.removeEventListener('abort', settle);
        resolve(this.#synced);
      };
      this.#syncWaiters.add(settle);
      signal.addEventListener('abort', settle, { once: true });
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    shared(signal);
    let backoffMs: number = clientLimits.relistBackoffMinMs;
    while (!signal.aborted) {
      const startedMs = this.#clock.monotonicMs();
      try {
        if (this.#resourceVersion === undefined) await this.#relist(signal);
        await this.#follow(signal);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (isExpired(error)) this.#resourceVersion = undefined;
        if (!signal.aborted) this.#report(error);
      }
      if (this.#clock.monotonicMs() - startedMs >= clientLimits.relistBackoffResetMs) {
        backoffMs = clientLimits.relistBackoffMinMs;
      }
      const jitter = 0.5 + (this.#options.random ?? Math.random)();
      await sleep(this.#clock, backoffMs * jitter, signal);
      backoffMs = Math.min(backoffMs * 2, clientLimits.relistBackoffMaxMs);
    }
  }

  /** A refusal will not mend itself and must be seen; a server that is away for a moment need not. */
  #report(error: ApiError): void {
    const level = error.code === 401 || error.code === 403 ? 'warn' : 'debug';
    this.#options.logger[level]({ reason: error.message }, 'list or watch failed, again');
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { items, resourceVersion } = await this.#options.client.list({ ...this.#options, signal });
    if (signal.aborted) return;
    const gone = new Set(this.#cache.keys());
    for (const [index, object] of items.entries()) {
      if (index > 0 && index % clientLimits.informerBatchObjects === 0) await yieldToEventLoop();
      gone.delete(keyOf(object));
      this.#put(object);
    }
    for (const key of gone) this.#remove(key);
    this.#resourceVersion = resourceVersion;
    this.#synced = true;
    for (const settle of this.#syncWaiters) settle();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector } = this.#options;
    const resourceVersion = this.#resourceVersion;
    if (resourceVersion === undefined || signal.aborted) return;
    const events = client.watch({ namespace, labelSelector, fieldSelector, resourceVersion, signal });
    for await (const event of events) {
      if (signal.aborted) return;
      this.#apply(event);
    }
  }

  #apply(event: WatchEvent<T>): void {
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
        this.#put(event.object);
        this.#resourceVersion = event.object.metadata.resourceVersion;
        return;
      case 'DELETED':
        this.#remove(keyOf(event.object), event.object);
        this.#resourceVersion = event.object.metadata.resourceVersion;
        return;
      case 'BOOKMARK':
        this.#resourceVersion = event.resourceVersion;
        return;
    }
  }

  #put(object: Stored<T>): void {
    const before = this.#cache.get(keyOf(object));
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    // Recreated under the same name while nobody looked: handlers see the old one go.
    if (before !== undefined && before.metadata.uid !== object.metadata.uid) this.#remove(keyOf(object));
    const replaced = this.#cache.put(object);
    this.#tell({ before: replaced, after: object });
  }

  /** `last`: the final state, if a watch event told it. */
  #remove(key: string, last?: Stored<T>): void {
    const before = this.#cache.remove(key);
    if (before !== undefined) this.#tell({ before: last ?? before, after: undefined });
  }

  #tell(change: Change<T>): void {
    for (const handler of this.#handlers) handler(change);
  }
}
