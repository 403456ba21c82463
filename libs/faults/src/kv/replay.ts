import { applyEvents, rangeOf, sameKeyValue, type Found, type StoreState } from './store-state.js';
import type { KeyValue, KvEvent } from './types.js';

/** An event with what only the whole sequence knows. */
export interface ReplayedEvent extends KvEvent {
  readonly previous: KeyValue | null;
}

/**
 * The one order of all changes, put together from what was observed, with the state at each of its revisions.
 *
 * Invariants: (1) revisions follow one another without a gap from `base.revision + 1` to `revision`; (2) each has at least one event.
 */
export class Replay {
  readonly base: StoreState;
  readonly #changes: (readonly ReplayedEvent[])[] = [];
  /** What each key was after its changes, by rising revision; null: absent. */
  readonly #histories = new Map<string, { readonly revision: number; readonly kv: KeyValue | null }[]>();
  #state: StoreState;

  constructor(base: StoreState) {
    this.base = base;
    this.#state = base;
    for (const [key, kv] of base.keys) this.#histories.set(key, [{ revision: base.revision, kv }]);
  }

  get revision(): number {
    return this.#state.revision;
  }

  get state(): StoreState {
    return this.#state;
  }

  /** The events of the next revision. Answers what contradicts the sequence so far, empty if nothing does; they are taken either way. */
  append(events: readonly KvEvent[]): readonly string[] {
    const revision = this.revision + 1;
    const before = this.#state;
    const replayed = events.map((event) => ({ ...event, previous: before.keys.get(event.kv.key) ?? null }));
    this.#state = applyEvents(before, events);
    this.#changes.push(replayed);
    for (const { type, kv } of events) {
      const history = this.#histories.get(kv.key) ?? [];
      history.push({ revision, kv: type === 'PUT' ? kv : null });
      this.#histories.set(kv.key, history);
    }
    return replayed.flatMap((event) => contradictions(event, revision));
  }

  /** None outside of the replayed revisions. */
  at(revision: number): readonly ReplayedEvent[] {
    return this.#changes[revision - this.base.revision - 1] ?? [];
  }

  /** Whether the state at `revision` is known. */
  knows(revision: number): boolean {
    return revision >= this.base.revision && revision <= this.revision;
  }

  /** What a read at `revision` finds. Throws RangeError for a revision that is not known. */
  range(revision: number, from: string, end?: string, limit = 0): Found {
    if (!this.knows(revision)) throw new RangeError(`revision ${revision} is not replayed`);
    const keys = new Map<string, KeyValue>();
    const names = end === undefined ? [from] : this.#histories.keys();
    for (const key of names) {
      const kv = this.#histories.get(key)?.findLast((change) => change.revision <= revision)?.kv;
      if (kv !== undefined && kv !== null) keys.set(key, kv);
    }
    return rangeOf(keys, from, end, limit);
  }
}

function contradictions({ type, kv, previous }: ReplayedEvent, revision: number): readonly string[] {
  const found: string[] = [];
  const say = (what: string): void =>
    void found.push(`${type} of ${kv.key} at revision ${revision}: ${what}`);
  if (kv.modRevision !== revision) say(`its mod revision is ${kv.modRevision}`);
  if (type === 'DELETE') {
    if (previous === null) say('there was no such key');
    return found;
  }
  const createRevision = previous?.createRevision ?? revision;
  if (kv.createRevision !== createRevision) say(`created at ${kv.createRevision}, not at ${createRevision}`);
  const version = (previous?.version ?? 0) + 1;
  if (kv.version !== version) say(`version ${kv.version}, not ${version}`);
  return found;
}

/** Equal in all that a watch tells; a deletion's key-value has nothing but key and mod revision. */
export function sameEvent(a: KvEvent, b: KvEvent): boolean {
  if (a.type !== b.type) return false;
  if (a.type === 'DELETE') return a.kv.key === b.kv.key && a.kv.modRevision === b.kv.modRevision;
  return sameKeyValue(a.kv, b.kv);
}
