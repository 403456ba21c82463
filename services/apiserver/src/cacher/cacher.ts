import { apiVersionOf, type KubeObject, type Resource } from '@raftsman/api';
import type { Logger } from '@raftsman/telemetry';
import { limits } from '../limits.js';
import type { EtcdWatch } from '../storage/etcd-watch.js';
import type { Listed, Storage, Stored } from '../storage/storage.js';
import { StorageError } from '../storage/storage-error.js';
import { WatchCache } from './watch-cache.js';
import { WatchEvent, type CacheEvent, type Matcher } from './watch-event.js';
import { Watcher } from './watcher.js';

/** Where a watch starts. */
export type WatchStart =
  /** What the cache holds, as ADDED events, then changes. */
  | { readonly kind: 'cached' }
  /** The given state (read at `revision`), as ADDED events, then changes. */
  | { readonly kind: 'listed'; readonly items: readonly Stored[]; readonly revision: number }
  /** Changes after a revision. */
  | { readonly kind: 'after'; readonly revision: number };

export interface WatchOptions {
  readonly prefix: string;
  readonly matches: Matcher;
  readonly start: WatchStart;
  readonly bookmarks: boolean;
  /** A bookmark says where the initial events end. */
  readonly markInitialEnd: boolean;
}

/** The revision asked for is older than what this cache remembers; `oldest` is where a watch can start. */
export class TooOldError extends Error {
  readonly oldest: number;
  constructor(oldest: number) {
    super('too old resource version');
    this.name = 'TooOldError';
    this.oldest = oldest;
  }
}

type State =
  | { readonly kind: 'idle' }
  /** Reading the whole state; `ready` settles when it is there or the reading is given up. */
  | { readonly kind: 'loading' }
  | { readonly kind: 'watching'; readonly watch: EtcdWatch }
  /** The etcd watch broke; the cache still answers with what it has. */
  | { readonly kind: 'reopening'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'closed' };

/** The watch cache of one resource over one etcd watch. Starts with its first use and stays up. */
export class Cacher {
  readonly #cache = new WatchCache(limits.cacheEvents);
  readonly #watchers = new Map<Watcher, { readonly bookmarks: boolean }>();
  readonly #resource: Resource;
  readonly #prefix: string;
  readonly #storage: Storage;
  readonly #logger: Logger;
  #state: State = { kind: 'idle' };
  #loaded: Promise<void> | null = null;
  #pauseMs: number = limits.watchReopenMs;
  #bookmarkTimer: NodeJS.Timeout | null = null;

  constructor(resource: Resource, prefix: string, storage: Storage, logger: Logger) {
    this.#resource = resource;
    this.#prefix = prefix;
    this.#storage = storage;
    this.#logger = logger.child({ resource: resource.plural });
  }

  /**
   * Resolves when the cache holds a state; rejects with a StorageError if etcd does not give one. A cache that is
   * still empty starts at `revision` if etcd remembers it, so that a watcher which comes from another apiserver goes on.
   */
  ready(revision = 0): Promise<void> {
    this.#loaded ??= this.#load(revision).catch((error: unknown) => {
      this.#loaded = null;
      if (this.#state.kind === 'loading') this.#state = { kind: 'idle' };
      throw error;
    });
    return this.#loaded;
  }

  get revision(): number {
    return this.#cache.revision;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** The cached object at exactly this revision, to spare decoding it again. */
  readonly known = (key: string, modRevision: number): KubeObject | undefined => {
    const held = this.#cache.get(key);
    return held?.metadata.resourceVersion === String(modRevision) ? held : undefined;
  };

  get(key: string): KubeObject | undefined {
    return this.#cache.get(key);
  }

  list(prefix: string): { readonly items: readonly Stored[]; readonly revision: number } {
    return { items: this.#cache.list(prefix), revision: this.#cache.revision };
  }

  /** The cache must be ready. Throws TooOldError. */
  watch(options: WatchOptions): Watcher {
    const { start, prefix, matches } = options;
    const from = start.kind === 'cached' ? this.#cache.revision : start.revision;
    if (from < this.#cache.floor) throw new TooOldError(this.#cache.floor);
    const items =
      start.kind === 'cached' ? this.#cache.list(prefix) : start.kind === 'listed' ? start.items : [];
    const backlog = this.#cache.since(from);
    const watcher = new Watcher({
      prefix,
      matches,
      initial: this.#initial(options, items, backlog, from),
      revision: Math.max(from, this.#cache.revision),
      queueMax: limits.watcherQueueEvents,
      batchMax: limits.watcherBatchEvents,
      onEnd: (ended) => this.#forget(ended),
    });
    this.#watchers.set(watcher, { bookmarks: options.bookmarks });
    if (options.bookmarks) this.#bookmarkTimer ??= this.#startBookmarks();
    return watcher;
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if (state.kind === 'watching') state.watch.close();
    if (state.kind === 'reopening') clearTimeout(state.timer);
    for (const watcher of this.#watchers.keys()) watcher.end('shutdown');
  }

  *#initial(
    options: WatchOptions,
    items: readonly Stored[],
    backlog: readonly CacheEvent[],
    revision: number,
  ): Generator<WatchEvent> {
    for (const { object } of items) {
      if (options.matches(object)) yield new WatchEvent('ADDED', object);
    }
    if (options.markInitialEnd) yield this.#bookmark(revision, true);
    for (const event of backlog) {
      const seen = event.key.startsWith(options.prefix) ? event.seenBy(options.matches) : null;
      if (seen !== null) yield seen;
    }
  }

  #bookmark(revision: number, initialEnd = false): WatchEvent {
    return new WatchEvent('BOOKMARK', {
      kind: this.#resource.kind,
      apiVersion: apiVersionOf(this.#resource),
      metadata: {
        resourceVersion: String(revision),
        ...(initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
      },
    });
  }

  #startBookmarks(): NodeJS.Timeout {
    return setInterval(() => {
      for (const [watcher, { bookmarks }] of this.#watchers) {
        if (bookmarks) watcher.bookmark((revision) => this.#bookmark(revision));
      }
    }, limits.bookmarkMs).unref();
  }

  #forget(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (watcher.ended === 'slow') this.#logger.warn('a watcher lagged behind too far and was ended');
    if (this.#watchers.size > 0 || this.#bookmarkTimer === null) return;
    clearInterval(this.#bookmarkTimer);
    this.#bookmarkTimer = null;
  }

  async #load(revision = 0): Promise<void> {
    this.#state = { kind: 'loading' };
    const listed = await this.#listAt(revision);
    if ((this.#state as State).kind === 'closed') throw new StorageError('unavailable', 'shutting down');
    this.#tell(this.#cache.replace(listed.items, listed.revision));
    this.#open();
  }

  async #listAt(revision: number): Promise<Listed> {
    const options = { limit: 0, known: this.known };
    if (revision === 0) return this.#storage.list(this.#prefix, options);
    try {
      return await this.#storage.list(this.#prefix, { ...options, revision });
    } catch (error) {
      const unreadable =
        error instanceof StorageError && (error.code === 'compacted' || error.code === 'future');
      if (!unreadable) throw error;
      return this.#storage.list(this.#prefix, options);
    }
  }

  #open(): void {
    const watch = this.#storage.watch(this.#prefix, this.#cache.revision + 1, {
      onOpen: () => {
        this.#pauseMs = limits.watchReopenMs;
      },
      onEvents: (events) => this.#tell(this.#cache.apply(events)),
      onEnd: (error) => this.#reopen(error),
    });
    this.#state = { kind: 'watching', watch };
  }

  #reopen(error: StorageError): void {
    if (this.#state.kind === 'closed') return;
    this.#logger.info({ why: error.message }, 'etcd watch broke');
    const reload = error.code === 'compacted' || error.code === 'corrupt';
    const timer = setTimeout(() => (reload ? this.#reload() : this.#open()), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, limits.watchReopenMsMax);
    this.#state = { kind: 'reopening', timer };
  }

  #reload(): void {
    this.#load().catch((error: unknown) => {
      if (!(error instanceof StorageError)) throw error;
      if (this.#state.kind === 'closed') return;
      this.#reopen(new StorageError('compacted', error.message));
    });
  }

  #tell(events: readonly CacheEvent[]): void {
    if (events.length === 0) return;
    for (const watcher of this.#watchers.keys()) {
      for (const event of events) watcher.offer(event);
      watcher.reached(this.#cache.revision);
    }
  }
}
