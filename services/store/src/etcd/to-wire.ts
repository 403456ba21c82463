import {
  isTombstone,
  type KeyValue,
  type LeaseId,
  type OpResult,
  type RangeResult,
  type TxnResult,
} from '@raftsman/mvcc';
import type { ResponseOp } from '@raftsman/proto/gen/etcdserverpb/ResponseOp.js';
import type { RangeResponse } from '@raftsman/proto/gen/etcdserverpb/RangeResponse.js';
import type { TxnResponse } from '@raftsman/proto/gen/etcdserverpb/TxnResponse.js';
import type { Event } from '@raftsman/proto/gen/mvccpb/Event.js';
import type { KeyValue as WireKeyValue } from '@raftsman/proto/gen/mvccpb/KeyValue.js';

/** The store's answers as messages; headers of whole responses are the caller's. */

const wireLease = (id: LeaseId): string | number => (id === 0n ? 0 : id.toString());

export function wireKeyValue(kv: KeyValue, keysOnly = false): WireKeyValue {
  const key = Buffer.from(kv.key, 'latin1');
  if (isTombstone(kv)) return { key, modRevision: kv.modRevision };
  return {
    key,
    createRevision: kv.createRevision,
    modRevision: kv.modRevision,
    version: kv.version,
    value: keysOnly ? undefined : Buffer.from(kv.value, 'latin1'),
    lease: wireLease(kv.lease),
  };
}

export function wireRange(result: RangeResult): RangeResponse {
  return {
    kvs: result.kvs.map((kv) => wireKeyValue(kv, result.keysOnly)),
    more: result.more,
    count: result.count,
  };
}

export function wireTxn(result: TxnResult): TxnResponse {
  return { succeeded: result.succeeded, responses: result.responses.map(wireOp) };
}

function wireOp(result: OpResult): ResponseOp {
  const header = { revision: result.revision };
  switch (result.kind) {
    case 'range':
      return { response: 'responseRange', responseRange: { header, ...wireRange(result) } };
    case 'put':
      return {
        response: 'responsePut',
        responsePut: { header, prevKv: result.prevKv && wireKeyValue(result.prevKv) },
      };
    case 'delete-range':
      return {
        response: 'responseDeleteRange',
        responseDeleteRange: {
          header,
          deleted: result.deleted,
          prevKvs: result.prevKvs.map((kv) => wireKeyValue(kv)),
        },
      };
    case 'txn':
      // etcd leaves the revision of a transaction within a transaction out.
      return { response: 'responseTxn', responseTxn: { header: {}, ...wireTxn(result) } };
  }
}

export function wireEvent(kv: KeyValue, previous: KeyValue | null): Event {
  return {
    type: isTombstone(kv) ? 'DELETE' : 'PUT',
    kv: wireKeyValue(kv),
    prevKv: previous === null ? null : wireKeyValue(previous),
  };
}
