/** The vocabulary of the store; nouns are etcd's. */

declare const brand: unique symbol;

/**
 * The store's logical clock: every write that changes something takes the next one. A new store stands at 1.
 * Whole numbers below 2^52.
 */
export type Revision = number & { readonly [brand]: 'Revision' };
export const revision = (value: number): Revision => value as Revision;

/**
 * Bytes as a string of chars 0..255 ("latin1"): in V8 one byte each, compared in byte order, moved by the garbage
 * collector like any string. Keys and values live in this form.
 */
export type Binary = string;

/** A signed 64-bit number; 0n: no lease. */
export type LeaseId = bigint;
export const noLease: LeaseId = 0n;

/** One write of one key. A tombstone has version 0, createRevision 0, an empty value and no lease. */
export interface KeyValue {
  readonly key: Binary;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** Position among the changes of modRevision, from 0. */
  readonly sub: number;
  /** Writes since creation, from 1. */
  readonly version: number;
  readonly value: Binary;
  readonly lease: LeaseId;
}

export const isTombstone = (kv: KeyValue): boolean => kv.version === 0;

/** Why the store refuses a request. Nothing has changed then. */
export type MvccErrorCode =
  | 'compacted'
  | 'future-revision'
  | 'key-not-found'
  | 'lease-not-found'
  | 'lease-exists'
  | 'lease-ttl-too-large'
  | 'stale-expiry'
  | 'malformed-command';

export class MvccError extends Error {
  readonly code: MvccErrorCode;
  constructor(code: MvccErrorCode, message: string = code) {
    super(message);
    this.name = 'MvccError';
    this.code = code;
  }
}

/** Our own bug: the process must die. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`mvcc: ${message}`);
}
