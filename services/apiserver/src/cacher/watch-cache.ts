import type { KubeObject } from '@raftsman/api';
import type { EtcdEvent } from '../storage/etcd-watch.js';
import type { Stored } from '../storage/storage.js';
import { CacheEvent } from './watch-event.js';

/**
 * The newest objects of one resource and its last events, without any clock or connection.
 *
 * Invariants:
 * 1. `objects` is the state at `revision` (of the keys of this resource).
 * 2. The ring holds every event of this resource with floor < revision <= `revision`, in order.
 * 3. 0 <= floor <= revision.
 */
export class WatchCache {
  readonly #objects = new Map<string, KubeObject>();
  readonly #ring: (CacheEvent | undefined)[];
  /** How many events were ever added; the ring's next slot is this modulo its size. */
  #added = 0;
  #floor = 0;
  #revision = 0;

  constructor(eventsMax: number) {
    this.#ring = Array.from({ length: eventsMax });
  }

  get revision(): number {
    return this.#revision;
  }

  /** A watch can start after this revision, not before it. */
  get floor(): number {
    return this.#floor;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key);
  }

  /** The objects whose keys start with `prefix`, in key order. */
  list(prefix: string): Stored[] {
    const found: Stored[] = [];
    for (const [key, object] of this.#objects) {
      if (key.startsWith(prefix)) {
        found.push({ key, object, modRevision: Number(object.metadata.resourceVersion) });
      }
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Events after `revision`, which must not be below the floor. */
  since(revision: number): CacheEvent[] {
    const events: CacheEvent[] = [];
    for (let at = this.#added - 1; at >= 0 && at >= this.#added - this.#ring.length; at -= 1) {
      const event = this.#ring[at % this.#ring.length]!;
      if (event.revision <= revision) break;
      events.push(event);
    }
    return events.reverse();
  }

  /** Takes events in order of revision, all of one revision in one call; answers those that changed something. */
  apply(events: readonly EtcdEvent[]): CacheEvent[] {
    const changes: CacheEvent[] = [];
    const known = this.#revision;
    for (const { key, revision, object } of events) {
      if (revision <= known) continue;
      const previous = this.#objects.get(key) ?? null;
      if (object === null && previous === null) continue;
      changes.push(this.#change(new CacheEvent(key, revision, object, previous)));
    }
    return changes;
  }

  /**
   * Takes the whole state at a revision. The first time it is the start; later, when history was lost, it answers
   * the differences as events, so that watchers which saw all so far miss nothing. Events between are
   * lost to others: the floor rises, unless nothing changed.
   */
  replace(stored: readonly Stored[], revision: number): CacheEvent[] {
    const first = this.#revision === 0;
    const changes = first ? [] : this.#differences(stored, revision);
    if (first) {
      for (const { key, object } of stored) this.#objects.set(key, object);
      this.#floor = revision;
    }
    for (const change of changes) this.#change(change);
    if (changes.length > 0) this.#floor = revision;
    this.#revision = Math.max(this.#revision, revision);
    return changes;
  }

  #differences(stored: readonly Stored[], revision: number): CacheEvent[] {
    const changes: CacheEvent[] = [];
    const present = new Set<string>();
    for (const { key, object, modRevision } of stored) {
      present.add(key);
      const held = this.#objects.get(key) ?? null;
      if (held?.metadata.resourceVersion !== object.metadata.resourceVersion) {
        changes.push(new CacheEvent(key, modRevision, object, held));
      }
    }
    for (const [key, held] of this.#objects) {
      if (!present.has(key)) changes.push(new CacheEvent(key, revision, null, held));
    }
    return changes.sort((a, b) => a.revision - b.revision);
  }

  #change(event: CacheEvent): CacheEvent {
    if (event.current === null) this.#objects.delete(event.key);
    else this.#objects.set(event.key, event.current);
    const slot = this.#added % this.#ring.length;
    const evicted = this.#ring[slot];
    if (evicted !== undefined) this.#floor = Math.max(this.#floor, evicted.revision);
    this.#ring[slot] = event;
    this.#added += 1;
    this.#revision = Math.max(this.#revision, event.revision);
    return event;
  }
}
