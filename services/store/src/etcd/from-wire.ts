import {
  isFiltered,
  type Compare,
  type DeleteRangeRequest,
  type Op,
  type PutRequest,
  type RangeRequest,
  type TxnRequest,
} from '@raftsman/mvcc';
import type { Compare__Output } from '@raftsman/proto/gen/etcdserverpb/Compare.js';
import type { DeleteRangeRequest__Output } from '@raftsman/proto/gen/etcdserverpb/DeleteRangeRequest.js';
import type { PutRequest__Output } from '@raftsman/proto/gen/etcdserverpb/PutRequest.js';
import type { RangeRequest__Output } from '@raftsman/proto/gen/etcdserverpb/RangeRequest.js';
import type { RequestOp__Output } from '@raftsman/proto/gen/etcdserverpb/RequestOp.js';
import type { TxnRequest__Output } from '@raftsman/proto/gen/etcdserverpb/TxnRequest.js';
import { etcdError } from './errors.js';
import { etcdLimits } from './limits.js';
import { requireDistinctKeys } from './txn-keys.js';

/** Messages as the store's requests, checked as etcd checks them (api/v3rpc/key.go). All throw EtcdError. */

export const binary = (bytes: Buffer): string => bytes.toString('latin1');

export function parseRange(request: RangeRequest__Output): RangeRequest {
  if (request.key.length === 0) throw etcdError('emptyKey');
  // An unknown number of an enumeration stays a number.
  if (typeof request.sortOrder !== 'string' || typeof request.sortTarget !== 'string') {
    throw etcdError('invalidSortOption');
  }
  return {
    kind: 'range',
    key: binary(request.key),
    rangeEnd: binary(request.rangeEnd),
    limit: Number(request.limit),
    revision: Number(request.revision),
    sortOrder: request.sortOrder,
    sortTarget: request.sortTarget,
    keysOnly: request.keysOnly,
    countOnly: request.countOnly,
    minModRevision: Number(request.minModRevision),
    maxModRevision: Number(request.maxModRevision),
    minCreateRevision: Number(request.minCreateRevision),
    maxCreateRevision: Number(request.maxCreateRevision),
  };
}

/** Of a range that is answered in parts, which come in the order of their keys. */
export function parseRangeStream(request: RangeRequest__Output): RangeRequest {
  const range = parseRange(request);
  const { sortOrder, sortTarget } = range;
  // etcd takes other targets without an order, and sorts each part by itself.
  if (sortTarget !== 'KEY' || sortOrder === 'DESCEND') throw etcdError('rangeStreamSorted');
  if (isFiltered(range)) throw etcdError('rangeStreamFiltered');
  return range;
}

export function parsePut(request: PutRequest__Output): PutRequest {
  if (request.key.length === 0) throw etcdError('emptyKey');
  if (request.ignoreValue && request.value.length > 0) throw etcdError('valueProvided');
  const lease = BigInt(request.lease);
  if (request.ignoreLease && lease !== 0n) throw etcdError('leaseProvided');
  return {
    kind: 'put',
    key: binary(request.key),
    value: binary(request.value),
    lease,
    prevKv: request.prevKv,
    ignoreValue: request.ignoreValue,
    ignoreLease: request.ignoreLease,
  };
}

export function parseDeleteRange(request: DeleteRangeRequest__Output): DeleteRangeRequest {
  if (request.key.length === 0) throw etcdError('emptyKey');
  return {
    kind: 'delete-range',
    key: binary(request.key),
    rangeEnd: binary(request.rangeEnd),
    prevKv: request.prevKv,
  };
}

/** `opsMax`: of each list; a transaction within has as many fewer as the longest list around it. */
export function parseTxn(request: TxnRequest__Output, opsMax: number): TxnRequest {
  const txn = parseInnerTxn(request, opsMax, { left: etcdLimits.txnTotalOpsMax });
  requireDistinctKeys(txn);
  return txn;
}

/** Operations that the whole tree of transactions may still have. */
interface Budget {
  left: number;
}

function parseInnerTxn(request: TxnRequest__Output, opsMax: number, budget: Budget): TxnRequest {
  const { compare, success, failure } = request;
  const longest = Math.max(compare.length, success.length, failure.length);
  budget.left -= compare.length + success.length + failure.length;
  if (longest > opsMax || budget.left < 0) throw etcdError('tooManyOps');
  return {
    kind: 'txn',
    compare: compare.map(parseCompare),
    success: success.map((op) => parseOp(op, opsMax - longest, budget)),
    failure: failure.map((op) => parseOp(op, opsMax - longest, budget)),
  };
}

function parseOp(op: RequestOp__Output, opsMax: number, budget: Budget): Op {
  if (op.requestRange) return parseRange(op.requestRange);
  if (op.requestPut) return parsePut(op.requestPut);
  if (op.requestDeleteRange) return parseDeleteRange(op.requestDeleteRange);
  if (op.requestTxn) return parseInnerTxn(op.requestTxn, opsMax, budget);
  // An empty operation; etcd answers so.
  throw etcdError('keyNotFound');
}

/** An operand that does not belong to the target counts as left out. */
function parseCompare(compare: Compare__Output): Compare {
  if (compare.key.length === 0) throw etcdError('emptyKey');
  const { target } = compare;
  if (typeof compare.result !== 'string') throw etcdError('invalidCompare');
  const { result } = compare;
  const key = binary(compare.key);
  const rangeEnd = binary(compare.rangeEnd);
  switch (target) {
    case 'VERSION':
      return { result, key, rangeEnd, target, operand: Number(compare.version ?? 0) };
    case 'CREATE':
      return { result, key, rangeEnd, target, operand: Number(compare.createRevision ?? 0) };
    case 'MOD':
      return { result, key, rangeEnd, target, operand: Number(compare.modRevision ?? 0) };
    case 'VALUE': {
      const operand = compare.value === undefined ? '' : binary(compare.value);
      return { result, key, rangeEnd, target, operand };
    }
    case 'LEASE':
      return { result, key, rangeEnd, target, operand: BigInt(compare.lease ?? 0) };
    default:
      throw etcdError('invalidCompare');
  }
}
