import type { DeleteRangeResponse__Output } from '@raftsman/proto/gen/etcdserverpb/DeleteRangeResponse.js';
import type { LeaseRevokeResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseRevokeResponse.js';
import type { PutResponse__Output } from '@raftsman/proto/gen/etcdserverpb/PutResponse.js';
import type { RangeResponse__Output } from '@raftsman/proto/gen/etcdserverpb/RangeResponse.js';
import type { TxnResponse__Output } from '@raftsman/proto/gen/etcdserverpb/TxnResponse.js';
import type { RequestOp } from '@raftsman/proto/gen/etcdserverpb/RequestOp.js';
import type { ResponseOp__Output } from '@raftsman/proto/gen/etcdserverpb/ResponseOp.js';
import type { KeyValue__Output } from '@raftsman/proto/gen/mvccpb/KeyValue.js';
import type {
  DeleteInput,
  DeleteOutput,
  KeyValue,
  KvInput,
  KvOutput,
  PutInput,
  RangeInput,
  RangeOutput,
  StepInput,
  StepOutput,
  TxnInput,
  TxnOutput,
} from '@raftsman/faults';
import { call, type Connection } from './client.js';

export type Request = Exclude<KvInput, { op: 'effect' }>;

/** How a read is served: `revision` 0 is the present. */
export interface ReadOptions {
  readonly revision: number;
  readonly serializable: boolean;
}

/** Sends the one operation to the one member. Rejects with the ServiceError. */
export async function send(connection: Connection, input: Request, timeoutMs: number): Promise<KvOutput> {
  const { kv, lease } = connection;
  switch (input.op) {
    case 'put': {
      const response = await call<PutResponse__Output>(timeoutMs, (options, done) =>
        kv.Put(putRequest(input), options, done),
      );
      return { revision: revisionOf(response) };
    }
    case 'delete': {
      const response = await call<DeleteRangeResponse__Output>(timeoutMs, (options, done) =>
        kv.DeleteRange(span(input), options, done),
      );
      return { revision: revisionOf(response), deleted: Number(response.deleted) };
    }
    case 'range':
      return sendRange(connection, input, { revision: 0, serializable: false }, timeoutMs);
    case 'txn':
      return sendTxn(connection, input, timeoutMs);
    case 'revoke': {
      const response = await call<LeaseRevokeResponse__Output>(timeoutMs, (options, done) =>
        lease.LeaseRevoke({ ID: input.lease }, options, done),
      );
      return { revision: revisionOf(response) };
    }
  }
}

export async function sendRange(
  { kv }: Connection,
  input: RangeInput,
  { revision, serializable }: ReadOptions,
  timeoutMs: number,
): Promise<RangeOutput> {
  const request = { ...span(input), limit: input.limit ?? 0, revision, serializable };
  const response = await call<RangeResponse__Output>(timeoutMs, (options, done) =>
    kv.Range(request, options, done),
  );
  return {
    revision: revisionOf(response),
    kvs: response.kvs.map(keyValue),
    count: Number(response.count),
  };
}

async function sendTxn({ kv }: Connection, input: TxnInput, timeoutMs: number): Promise<TxnOutput> {
  const compare = input.compares.map(({ key, modRevision }) => ({
    key: Buffer.from(key),
    result: 'EQUAL' as const,
    target: 'MOD' as const,
    modRevision,
  }));
  const [success, failure] = [input.success.map(requestOp), input.failure.map(requestOp)];
  const response = await call<TxnResponse__Output>(timeoutMs, (options, done) =>
    kv.Txn({ compare, success, failure }, options, done),
  );
  return {
    revision: revisionOf(response),
    succeeded: response.succeeded,
    responses: response.responses.map(stepOutput),
  };
}

function requestOp(step: StepInput): RequestOp {
  switch (step.op) {
    case 'put':
      return { requestPut: putRequest(step) };
    case 'delete':
      return { requestDeleteRange: span(step) };
    case 'range':
      return { requestRange: { ...span(step), limit: step.limit ?? 0 } };
  }
}

function stepOutput({ responseRange, responseDeleteRange }: ResponseOp__Output): StepOutput {
  if (responseRange) return { kvs: responseRange.kvs.map(keyValue), count: Number(responseRange.count) };
  if (responseDeleteRange)
    return { deleted: Number(responseDeleteRange.deleted) } satisfies Omit<DeleteOutput, 'revision'>;
  return {};
}

const putRequest = ({ key, value, lease }: PutInput) => ({
  key: Buffer.from(key),
  value: Buffer.from(value),
  lease: lease ?? '0',
});

const span = ({ key, end }: DeleteInput | RangeInput) => ({
  key: Buffer.from(key),
  rangeEnd: Buffer.from(end ?? ''),
});

export const keyValue = (kv: KeyValue__Output): KeyValue => ({
  key: kv.key.toString(),
  value: kv.value.toString(),
  createRevision: Number(kv.createRevision),
  modRevision: Number(kv.modRevision),
  version: Number(kv.version),
  lease: kv.lease,
});

/** Every answer of the store carries its revision. */
export function revisionOf(response: { readonly header: { readonly revision: string } | null }): number {
  if (response.header === null) throw new Error('an answer without a header');
  return Number(response.header.revision);
}
