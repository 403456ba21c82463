import { isInRange, type KeyValue, type KvEvent, type StepInput, type StepOutput } from './types.js';

/** A store between two operations. Immutable. */
export interface StoreState {
  readonly revision: number;
  readonly keys: ReadonlyMap<string, KeyValue>;
}

export const emptyStore: StoreState = { revision: 1, keys: new Map() };

export interface StepsResult {
  /** The very same object if nothing was written. */
  readonly state: StoreState;
  readonly responses: readonly StepOutput[];
}

/** Several steps as one write: they see each other's changes, and share one revision if any of them writes. */
export function applySteps(state: StoreState, steps: readonly StepInput[]): StepsResult {
  const revision = state.revision + 1;
  let keys: Map<string, KeyValue> | null = null;
  const responses = steps.map((step): StepOutput => {
    const current = keys ?? state.keys;
    if (step.op === 'range') return rangeOf(current, step.key, step.end, step.limit);
    if (step.op === 'delete') {
      const found = namesIn(current, step.key, step.end);
      if (found.length > 0) {
        keys ??= new Map(state.keys);
        for (const key of found) keys.delete(key);
      }
      return { deleted: found.length };
    }
    keys ??= new Map(state.keys);
    const before = keys.get(step.key);
    keys.set(step.key, {
      key: step.key,
      value: step.value,
      createRevision: before?.createRevision ?? revision,
      modRevision: revision,
      version: (before?.version ?? 0) + 1,
      lease: step.lease ?? '0',
    });
    return {};
  });
  return { state: keys === null ? state : { revision, keys }, responses };
}

/** The state after events that share the next revision, as they are told. */
export function applyEvents(state: StoreState, events: readonly KvEvent[]): StoreState {
  const keys = new Map(state.keys);
  for (const { type, kv } of events)
    if (type === 'PUT') keys.set(kv.key, kv);
    else keys.delete(kv.key);
  return { revision: state.revision + 1, keys };
}

export interface Found {
  readonly kvs: readonly KeyValue[];
  readonly count: number;
}

/** In the order of the keys. */
export function rangeOf(keys: ReadonlyMap<string, KeyValue>, from: string, end?: string, limit = 0): Found {
  const found = namesIn(keys, from, end).sort();
  const shown = limit > 0 ? found.slice(0, limit) : found;
  return { kvs: shown.map((key) => keys.get(key)!), count: found.length };
}

function namesIn(keys: ReadonlyMap<string, KeyValue>, from: string, end: string | undefined): string[] {
  if (end === undefined) return keys.has(from) ? [from] : [];
  return [...keys.keys()].filter((key) => isInRange(key, from, end));
}

export const sameKeyValue = (a: KeyValue, b: KeyValue): boolean =>
  a.key === b.key &&
  a.value === b.value &&
  a.createRevision === b.createRevision &&
  a.modRevision === b.modRevision &&
  a.version === b.version &&
  a.lease === b.lease;
