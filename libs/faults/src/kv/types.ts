/**
 * A revisioned key-value store as its clients see it (etcd v3). Keys are ASCII text, compared as such; values are text that identifies the write;
 * revisions are safe integers: 0 is none. A lease is its id, '0' is none.
 */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: string;
}

export interface PutInput {
  readonly op: 'put';
  readonly key: string;
  readonly value: string;
  readonly lease?: string;
}

/** `end` as in etcd: absent, the one key; else all keys in [key, end). */
export interface DeleteInput {
  readonly op: 'delete';
  readonly key: string;
  readonly end?: string;
}

export interface RangeInput {
  readonly op: 'range';
  readonly key: string;
  readonly end?: string;
  /** 0 or absent: all. */
  readonly limit?: number;
}

/** Equality of a key's mod revision; 0: the key is absent. */
export interface ModRevisionCompare {
  readonly key: string;
  readonly modRevision: number;
}

export type StepInput = PutInput | DeleteInput | RangeInput;

export interface TxnInput {
  readonly op: 'txn';
  readonly compares: readonly ModRevisionCompare[];
  readonly success: readonly StepInput[];
  readonly failure: readonly StepInput[];
}

/** Ends a lease and deletes its keys. Judged by what must be true after it; the deletion itself is an `effect`. */
export interface RevokeInput {
  readonly op: 'revoke';
  readonly lease: string;
}

/** What certainly happened at a revision, though no client got an answer for it: a lease that ran out, a write whose answer was lost. */
export interface EffectInput {
  readonly op: 'effect';
  readonly revision: number;
  readonly events: readonly KvEvent[];
}

export type KvInput = PutInput | DeleteInput | RangeInput | TxnInput | RevokeInput | EffectInput;

export interface PutOutput {
  /** In every output: the store's revision with (a write) or at (a read) the operation. */
  readonly revision: number;
}

export interface DeleteOutput {
  readonly revision: number;
  readonly deleted: number;
}

export interface RangeOutput {
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  /** Keys in the range, whatever the limit. */
  readonly count: number;
}

/** One step's answer: nothing for a put, how many a delete deleted, what a range found. */
export type StepOutput =
  Record<string, never> | Omit<DeleteOutput, 'revision'> | Omit<RangeOutput, 'revision'>;

export interface TxnOutput {
  readonly revision: number;
  readonly succeeded: boolean;
  readonly responses: readonly StepOutput[];
}

export type KvOutput = PutOutput | DeleteOutput | RangeOutput | TxnOutput;

/** A change of a key, as a watch tells it. A deletion has no value; its create revision and version are 0. */
export interface KvEvent {
  readonly type: 'PUT' | 'DELETE';
  readonly kv: KeyValue;
}

export const isInRange = (key: string, from: string, end: string | undefined): boolean =>
  end === undefined ? key === from : key >= from && key < end;
