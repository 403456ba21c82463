import type { ServiceDefinition } from '@grpc/grpc-js';
import { mvccLimits } from '@raftsman/mvcc';
import type { TxnRequest } from '@raftsman/proto/gen/etcdserverpb/TxnRequest.js';
import { etcdLimits } from './limits.js';

/**
 * A transaction of a million empty operations fits into one request and would take seconds and hundreds of megabytes to decode, before
 * anybody has counted them. So they are counted in their wire form; one that has too many is handed on as a small one that is refused for it.
 */
export function boundsTxn(definition: ServiceDefinition): ServiceDefinition {
  const described = definition['Txn'];
  if (described === undefined) throw new TypeError('no method Txn');
  const deserialize = described.requestDeserialize;
  return {
    ...definition,
    Txn: {
      ...described,
      requestDeserialize: (bytes: Buffer): unknown =>
        countElements(bytes, 0, bytes.length, 0, 0) > etcdLimits.txnTotalOpsMax
          ? tooManyOperations
          : deserialize(bytes),
    },
  };
}

const operation = { request: 'requestRange', requestRange: { key: Buffer.of(0) } } as const;
const tooManyOperations: TxnRequest = {
  compare: [],
  success: Array.from({ length: etcdLimits.txnTotalOpsMax + 1 }, () => operation),
  failure: [],
};

const compareField = 1;
const failureField = 3;
const requestTxnField = 4;
const lengthDelimited = 2;

/**
 * Compares and operations of a TxnRequest between `start` and `end`, of those within it too, added to `before`; stops once there are too many.
 * What is malformed, or nested too deeply, ends the count: the decoder finds it.
 */
function countElements(bytes: Buffer, start: number, end: number, before: number, depth: number): number {
  let count = before;
  if (depth > mvccLimits.txnDepthMax) return count;
  eachNested(bytes, start, end, (field, from, to) => {
    if (field < compareField || field > failureField) return true;
    count += 1;
    if (field !== compareField)
      eachNested(bytes, from, to, (inner, innerFrom, innerTo) => {
        if (inner === requestTxnField) count = countElements(bytes, innerFrom, innerTo, count, depth + 1);
        return count <= etcdLimits.txnTotalOpsMax;
      });
    return count <= etcdLimits.txnTotalOpsMax;
  });
  return count;
}

/** Calls `visit` with the length-delimited fields of a message until it answers false. */
function eachNested(
  bytes: Buffer,
  start: number,
  end: number,
  visit: (field: number, from: number, to: number) => boolean,
): void {
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < end; scale *= 128) {
      const byte = bytes[at]!;
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return Infinity;
  };
  while (at < end) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        varint();
        break;
      case 1:
        at += 8;
        break;
      case lengthDelimited: {
        const to = varint() + at;
        if (to > end || !visit(field, at, to)) return;
        at = to;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        return;
    }
  }
}
