import { versionsOf } from './key-history.js';
import { contains, type KeyRange } from './key-range.js';
import type { KeySpace } from './key-space.js';
import { mvccLimits } from './limits.js';
import { RangeIndex } from './range-index.js';
import { isTombstone, revision, type KeyValue, type Revision } from './types.js';

/** Where watch events go: one client's stream. */
export interface WatchSink {
  /** Whether events can be taken now. A watcher whose sink is not ready falls behind and reads the history later: nothing is buffered. */
  ready(): boolean;
  /** Events in order, never part of a revision. `upTo`: there is none for the watcher between the last one and this revision. */
  events(watcher: Watcher, events: readonly KeyValue[], upTo: Revision): void;
  /** The watcher ended: what it should have read next is compacted. */
  compacted(watcher: Watcher, compactRevision: Revision): void;
}

export interface WatchSpec {
  readonly range: KeyRange;
  /** The first revision of interest; may lie in the future. */
  readonly startRevision: Revision;
  readonly noPut: boolean;
  readonly noDelete: boolean;
}

type WatcherState =
  /** Hears of every change as it is published, from `from` on. */
  | { readonly kind: 'synced'; readonly from: Revision }
  /** Reads the history; `next` is the first revision it has not seen. */
  | { readonly kind: 'catching-up'; readonly next: Revision }
  | { readonly kind: 'ended' };

export interface Watcher {
  readonly spec: WatchSpec;
  readonly sink: WatchSink;
  readonly state: WatcherState;
}

interface MutableWatcher extends Watcher {
  state: WatcherState;
}

type WatchedSpace = Pick<KeySpace, 'log' | 'index' | 'revision' | 'compactRevision'>;

/**
 * All watchers of a store. The host calls `publish` after it applied commands, and `catchUp` whenever a watcher was made,
 * a sink became ready again, or the last `catchUp` answered true.
 *
 * Invariants:
 * 1. a synced watcher has been given everything up to `published`,
 * 2. a watcher is in exactly one of the index of synced ones, the set of those catching up, or ended.
 */
export class WatchHub {
  #space: WatchedSpace;
  #published: Revision;
  readonly #synced = new RangeIndex<MutableWatcher>();
  readonly #all = new Set<MutableWatcher>();
  readonly #behind = new Set<MutableWatcher>();

  constructor(space: WatchedSpace) {
    this.#space = space;
    this.#published = space.revision;
  }

  /** What synced watchers have been given. */
  get published(): Revision {
    return this.#published;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Watchers that are behind. */
  get slowCount(): number {
    return this.#behind.size;
  }

  watch(spec: WatchSpec, sink: WatchSink): Watcher {
    const watcher: MutableWatcher = { spec, sink, state: { kind: 'ended' } };
    this.#all.add(watcher);
    if (spec.startRevision > this.#space.revision) this.#sync(watcher, spec.startRevision);
    else this.#fallBehind(watcher, spec.startRevision);
    return watcher;
  }

  cancel(watcher: Watcher): void {
    this.#end(watcher as MutableWatcher);
  }

  /** Gives the synced watchers what was applied since the last call. */
  publish(): void {
    const from = revision(this.#published + 1);
    if (this.#space.revision < from) return;
    this.#published = this.#space.revision;
    if (this.#all.size === this.#behind.size) return;
    const collected = new Map<MutableWatcher, { events: KeyValue[]; sizeBytes: number }>();
    this.#space.log.scan(from, 0, (kv) => {
      this.#synced.match(kv.key, (watcher) => {
        if (!isWanted(watcher, kv)) return;
        const batch = collected.get(watcher);
        if (batch === undefined) collected.set(watcher, { events: [kv], sizeBytes: sizeOf(kv) });
        else if (batch.sizeBytes < mvccLimits.catchUpBytesPerStep) {
          batch.events.push(kv);
          batch.sizeBytes += sizeOf(kv);
        }
      });
      return true;
    });
    for (const [watcher, { events, sizeBytes }] of collected) {
      if (watcher.state.kind !== 'synced') continue;
      // What is too much at once is read from the history piece by piece.
      const tooMuch = events.length > 1 && sizeBytes >= mvccLimits.catchUpBytesPerStep;
      if (watcher.sink.ready() && !tooMuch) watcher.sink.events(watcher, events, this.#published);
      else this.#fallBehind(watcher, events[0]!.modRevision);
    }
  }

  /** One bounded piece of work for those behind whose sinks are ready. Answers whether more can be done at once. */
  catchUp(): boolean {
    this.publish();
    let budget: number = mvccLimits.catchUpEntriesPerStep;
    // Who is still behind after its turn goes to the end of the set, and comes round again.
    for (const watcher of this.#behind) {
      if (watcher.state.kind !== 'catching-up' || !watcher.sink.ready()) continue;
      if (budget <= 0) return true;
      if (watcher.state.next < this.#space.compactRevision) {
        this.#end(watcher);
        watcher.sink.compacted(watcher, this.#space.compactRevision);
        continue;
      }
      budget -= this.#read(watcher, watcher.state.next, budget);
    }
    return false;
  }

  /** The store was replaced by a later state of itself: everyone reads on from the new history. */
  replaceSpace(space: WatchedSpace): void {
    const next = revision(this.#published + 1);
    this.#space = space;
    this.#published = space.revision;
    for (const watcher of this.#all) {
      const { state } = watcher;
      if (state.kind !== 'synced') continue;
      const from = revision(Math.max(state.from, next));
      if (from <= space.revision) this.#fallBehind(watcher, from);
    }
  }

  /** Hands over what the next stretch of history holds for the watcher; answers the changes looked at. */
  #read(watcher: MutableWatcher, next: Revision, budget: number): number {
    const events: KeyValue[] = [];
    let seen = 0;
    let sizeBytes = 0;
    let last = 0;
    let upTo = this.#space.revision;
    const visit = (kv: KeyValue): boolean => {
      const full = seen >= budget || sizeBytes >= mvccLimits.catchUpBytesPerStep;
      if (full && kv.modRevision !== last) {
        upTo = revision(kv.modRevision - 1);
        return false;
      }
      last = kv.modRevision;
      seen += 1;
      if (contains(watcher.spec.range, kv.key) && passesFilters(watcher.spec, kv)) {
        events.push(kv);
        sizeBytes += sizeOf(kv);
      }
      return true;
    };
    if (watcher.spec.range.single) this.#scanKey(watcher.spec.range.start, next, visit);
    else this.#space.log.scan(next, 0, visit);
    if (upTo === this.#space.revision) this.#sync(watcher, revision(upTo + 1));
    else this.#fallBehind(watcher, revision(upTo + 1));
    if (events.length > 0) watcher.sink.events(watcher, events, upTo);
    return seen + 1;
  }

  /** One key's changes come from its own history, which spares reading everybody's. */
  #scanKey(key: string, from: Revision, visit: (kv: KeyValue) => boolean): void {
    const history = this.#space.index.get(key);
    if (history === undefined) return;
    for (const kv of versionsOf(history)) if (kv.modRevision >= from && !visit(kv)) return;
  }

  #sync(watcher: MutableWatcher, from: Revision): void {
    this.#behind.delete(watcher);
    watcher.state = { kind: 'synced', from };
    this.#synced.add(watcher.spec.range, watcher);
  }

  #fallBehind(watcher: MutableWatcher, next: Revision): void {
    if (watcher.state.kind === 'synced') this.#synced.delete(watcher.spec.range, watcher);
    watcher.state = { kind: 'catching-up', next };
    // To the end: whoever has waited longest is served first.
    this.#behind.delete(watcher);
    this.#behind.add(watcher);
  }

  #end(watcher: MutableWatcher): void {
    if (watcher.state.kind === 'synced') this.#synced.delete(watcher.spec.range, watcher);
    this.#behind.delete(watcher);
    this.#all.delete(watcher);
    watcher.state = { kind: 'ended' };
  }
}

const sizeOf = (kv: KeyValue): number => kv.key.length + kv.value.length;

function isWanted(watcher: Watcher, kv: KeyValue): boolean {
  return (
    watcher.state.kind === 'synced' && kv.modRevision >= watcher.state.from && passesFilters(watcher.spec, kv)
  );
}

function passesFilters(spec: WatchSpec, kv: KeyValue): boolean {
  return isTombstone(kv) ? !spec.noDelete : !spec.noPut;
}
