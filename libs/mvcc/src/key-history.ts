import { assert, type KeyValue, type Revision } from './types.js';

/**
 * What is remembered of one key: its only version itself, or a list of several, oldest first. Most keys have one version, and a million
 * objects that hold nothing but a version would be 40 MB.
 *
 * Example: put a (2), put a (4), delete a (5), compacted at 3: [a@2, a@4, tombstone@5].
 * a@2 stays because it is the state at 3; compacting at 4 drops it; compacting at 6 drops everything.
 *
 * Invariant: (modRevision, sub) ascends strictly; a list is never shorter than two.
 */
export type KeyHistory = KeyValue | KeyValue[];

export const newestOf = (history: KeyHistory): KeyValue =>
  Array.isArray(history) ? history[history.length - 1]! : history;

/** All of them, oldest first. */
export const versionsOf = (history: KeyHistory): readonly KeyValue[] =>
  Array.isArray(history) ? history : [history];

/** The key's last write at or before `at`; undefined: there is none (or it was compacted). May be a tombstone. */
export function versionAt(history: KeyHistory, at: Revision): KeyValue | undefined {
  if (!Array.isArray(history)) return history.modRevision <= at ? history : undefined;
  let low = 0;
  let high = history.length;
  if (history[high - 1]!.modRevision <= at) return history[high - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (history[middle]!.modRevision <= at) low = middle + 1;
    else high = middle;
  }
  return history[low - 1];
}

/** The history with `kv` as its newest version. */
export function append(history: KeyHistory, kv: KeyValue): KeyHistory {
  if (!Array.isArray(history)) return [history, kv];
  history.push(kv);
  return history;
}

/** How many of the versions before `kv`, one of them, are older than `revision`. */
export function countBefore(history: KeyHistory, kv: KeyValue, revision: Revision): number {
  if (!Array.isArray(history)) return 0;
  let count = history.at(-1) === kv ? history.length - 1 : history.indexOf(kv);
  while (count > 0 && history[count - 1]!.modRevision >= revision) count -= 1;
  return Math.max(count, 0);
}

/** What is left without the `count` oldest versions; one stays. */
export function withoutOldest(history: KeyHistory, count: number): KeyHistory {
  if (!Array.isArray(history)) return history;
  assert(count < history.length, 'a history that lost all its versions');
  history.splice(0, count);
  return history.length === 1 ? history[0]! : history;
}
