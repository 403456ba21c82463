import type { KeyValue, Revision } from './types.js';

/**
 * What is remembered of one key, oldest first in `older`, then `newest`.
 *
 * Example: put a (2), put a (4), delete a (5), compacted at 3: older = [a@2, a@4], newest = tombstone@5.
 * a@2 stays because it is the state at 3; compacting at 4 drops it; compacting at 6 drops everything.
 *
 * Invariant: (modRevision, sub) ascends strictly. Most keys have one version, hence no array.
 */
export interface KeyHistory {
  newest: KeyValue;
  older: KeyValue[] | null;
}

/** The key's last write at or before `at`; undefined: there is none (or it was compacted). May be a tombstone. */
export function versionAt(history: KeyHistory, at: Revision): KeyValue | undefined {
  if (history.newest.modRevision <= at) return history.newest;
  const { older } = history;
  if (older === null) return undefined;
  let low = 0;
  let high = older.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (older[middle]!.modRevision <= at) low = middle + 1;
    else high = middle;
  }
  return older[low - 1];
}

export function append(history: KeyHistory, kv: KeyValue): void {
  if (history.older === null) history.older = [history.newest];
  else history.older.push(history.newest);
  history.newest = kv;
}

/** Forgets the versions before `kv`, one of this history, that are older than `revision`, and answers them. */
export function dropBefore(history: KeyHistory, kv: KeyValue, revision: Revision): readonly KeyValue[] {
  const { older } = history;
  if (older === null) return [];
  let count = history.newest === kv ? older.length : older.indexOf(kv);
  while (count > 0 && older[count - 1]!.modRevision >= revision) count -= 1;
  if (count <= 0) return [];
  const dropped = older.splice(0, count);
  if (older.length === 0) history.older = null;
  return dropped;
}

/** Forgets `kv`, the oldest version; answers whether versions are left. */
export function dropOldest(history: KeyHistory, kv: KeyValue): boolean {
  if (history.older === null) return false;
  if (history.older[0] === kv) history.older.shift();
  if (history.older.length === 0) history.older = null;
  return true;
}
