import { newestOf } from './key-history.js';
import { keyRange } from './key-range.js';
import type { KeySpace } from './key-space.js';
import type { LeaseTable } from './lease-table.js';
import { evaluateRange } from './range.js';
import type { Compare, Op, OpResult, TxnRequest, TxnResult } from './requests.js';
import { isTombstone, type Binary, type KeyValue, type LeaseId, type Revision } from './types.js';
import { checkPut, type Write } from './write.js';

/** A transaction whose branches are chosen. */
interface Path {
  readonly succeeded: boolean;
  readonly ops: readonly (Exclude<Op, TxnRequest> | Path)[];
}

/** Chooses the branches of the transaction and of all within it, by the state before any change (as etcd does). */
export function choosePath(txn: TxnRequest, space: KeySpace): Path {
  const succeeded = txn.compare.every((compare) => holds(compare, space));
  const ops = succeeded ? txn.success : txn.failure;
  return { succeeded, ops: ops.map((op) => (op.kind === 'txn' ? choosePath(op, space) : op)) };
}

/** Throws MvccError if any operation on the path would be refused: after this, `runPath` succeeds. */
export function checkPath(path: Path, space: KeySpace, leases: LeaseTable): void {
  for (const op of flat(path)) if (op.kind === 'put') checkPut(op, space, leases);
  for (const op of flat(path)) if (op.kind === 'range') space.readRevision(op.revision, space.revision);
}

export function runPath(path: Path, space: KeySpace, write: Write): TxnResult {
  const responses = path.ops.map((op): OpResult => {
    if ('ops' in op) return runPath(op, space, write);
    switch (op.kind) {
      case 'range':
        return evaluateRange(space, op, write.revision);
      case 'put':
        return write.put(op);
      case 'delete-range':
        return write.deleteRange(op);
    }
  });
  return { kind: 'txn', revision: write.revision, succeeded: path.succeeded, responses };
}

/** A transaction without writes, at the present. Throws MvccError. */
export function readPath(path: Path, space: KeySpace): TxnResult {
  const responses = path.ops.map((op): OpResult => {
    if ('ops' in op) return readPath(op, space);
    if (op.kind !== 'range') throw new TypeError(`a read-only transaction holds a ${op.kind}`);
    return evaluateRange(space, op, space.revision);
  });
  return { kind: 'txn', revision: space.revision, succeeded: path.succeeded, responses };
}

function* flat(path: Path): Generator<Exclude<Op, TxnRequest>> {
  for (const op of path.ops) {
    if ('ops' in op) yield* flat(op);
    else yield op;
  }
}

/** A range must hold for each of its keys; a key that is not there counts as version, revisions and lease 0, and has no value to compare. */
function holds(compare: Compare, space: KeySpace): boolean {
  const range = keyRange(compare.key, compare.rangeEnd);
  let found = false;
  let all = true;
  const visit = (kv: KeyValue): boolean => {
    found = true;
    all = compareOne(compare, kv);
    return all;
  };
  if (range.single) {
    const kv = space.get(range.start, space.revision);
    if (kv !== undefined) visit(kv);
  } else {
    space.index.scan(range.start, range.end, (history) => {
      const newest = newestOf(history);
      return isTombstone(newest) || visit(newest);
    });
  }
  if (found) return all;
  return compare.target !== 'VALUE' && compareOne(compare, absent);
}

const absent: KeyValue = {
  key: '',
  createRevision: 0 as Revision,
  modRevision: 0 as Revision,
  sub: 0,
  version: 0,
  value: '',
  lease: 0n,
};

function compareOne(compare: Compare, kv: KeyValue): boolean {
  switch (compare.target) {
    case 'VERSION':
      return stands(compare, kv.version, compare.operand);
    case 'CREATE':
      return stands(compare, kv.createRevision, compare.operand);
    case 'MOD':
      return stands(compare, kv.modRevision, compare.operand);
    case 'VALUE':
      return stands(compare, kv.value, compare.operand);
    case 'LEASE':
      return stands(compare, kv.lease, compare.operand);
  }
}

function stands<T extends number | Binary | LeaseId>({ result }: Compare, actual: T, operand: T): boolean {
  switch (result) {
    case 'EQUAL':
      return actual === operand;
    case 'NOT_EQUAL':
      return actual !== operand;
    case 'GREATER':
      return actual > operand;
    case 'LESS':
      return actual < operand;
  }
}
