import type { Binary, KeyValue, LeaseId, Revision } from './types.js';

/** Requests and answers, in etcd's terms (api/etcdserverpb/rpc.proto), already checked by the service. */

export type SortOrder = 'NONE' | 'ASCEND' | 'DESCEND';
export type SortTarget = 'KEY' | 'VERSION' | 'CREATE' | 'MOD' | 'VALUE';

export interface RangeRequest {
  readonly kind: 'range';
  readonly key: Binary;
  readonly rangeEnd: Binary;
  /** Keys; 0 or less: all. */
  readonly limit: number;
  /** 0 or less: the present. */
  readonly revision: number;
  readonly sortOrder: SortOrder;
  readonly sortTarget: SortTarget;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  /** Inclusive; 0: no bound. */
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}

export interface RangeResult {
  readonly kind: 'range';
  readonly revision: Revision;
  readonly kvs: readonly KeyValue[];
  /** The values are to be left out. */
  readonly keysOnly: boolean;
  /** The limit left keys out. */
  readonly more: boolean;
  /** Keys in the range, whatever limit and filters say. */
  readonly count: number;
}

export interface PutRequest {
  readonly kind: 'put';
  readonly key: Binary;
  readonly value: Binary;
  readonly lease: LeaseId;
  readonly prevKv: boolean;
  readonly ignoreValue: boolean;
  readonly ignoreLease: boolean;
}

export interface PutResult {
  readonly kind: 'put';
  readonly revision: Revision;
  readonly prevKv: KeyValue | null;
}

export interface DeleteRangeRequest {
  readonly kind: 'delete-range';
  readonly key: Binary;
  readonly rangeEnd: Binary;
  readonly prevKv: boolean;
}

export interface DeleteRangeResult {
  readonly kind: 'delete-range';
  readonly revision: Revision;
  readonly deleted: number;
  readonly prevKvs: readonly KeyValue[];
}

export type CompareResult = 'EQUAL' | 'GREATER' | 'LESS' | 'NOT_EQUAL';

interface CompareBase {
  readonly result: CompareResult;
  readonly key: Binary;
  readonly rangeEnd: Binary;
}

export type Compare = CompareBase &
  (
    | { readonly target: 'VERSION' | 'CREATE' | 'MOD'; readonly operand: number }
    | { readonly target: 'VALUE'; readonly operand: Binary }
    | { readonly target: 'LEASE'; readonly operand: LeaseId }
  );

export interface TxnRequest {
  readonly kind: 'txn';
  readonly compare: readonly Compare[];
  readonly success: readonly Op[];
  readonly failure: readonly Op[];
}

export interface TxnResult {
  readonly kind: 'txn';
  readonly revision: Revision;
  readonly succeeded: boolean;
  readonly responses: readonly OpResult[];
}

export type Op = RangeRequest | PutRequest | DeleteRangeRequest | TxnRequest;
export type OpResult = RangeResult | PutResult | DeleteRangeResult | TxnResult;

/** Whether the transaction can be answered as a read. */
export function isReadOnly(txn: TxnRequest): boolean {
  const reads = (op: Op): boolean => op.kind === 'range' || (op.kind === 'txn' && isReadOnly(op));
  return txn.success.every(reads) && txn.failure.every(reads);
}
