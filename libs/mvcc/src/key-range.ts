import type { Binary } from './types.js';

/** [start, end); end null: no upper bound. */
export interface KeyRange {
  readonly start: Binary;
  readonly end: Binary | null;
  /** The range is the one key `start`. */
  readonly single: boolean;
}

/** etcd's pair of fields: `rangeEnd` empty means the one key, "\0" every key from `key` on. */
export function keyRange(key: Binary, rangeEnd: Binary): KeyRange {
  if (rangeEnd === '') return { start: key, end: `${key}\0`, single: true };
  return { start: key, end: rangeEnd === '\0' ? null : rangeEnd, single: false };
}

export function contains(range: KeyRange, key: Binary): boolean {
  if (range.single) return key === range.start;
  return key >= range.start && (range.end === null || key < range.end);
}

export const isEmpty = (range: KeyRange): boolean => range.end !== null && range.end <= range.start;
