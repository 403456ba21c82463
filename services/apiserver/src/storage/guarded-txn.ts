import type { Compare } from '@raftsman/proto/gen/etcdserverpb/Compare.js';
import type { RequestOp } from '@raftsman/proto/gen/etcdserverpb/RequestOp.js';
import type { TxnResponse__Output } from '@raftsman/proto/gen/etcdserverpb/TxnResponse.js';
import type { KeyValue__Output } from '@raftsman/proto/gen/mvccpb/KeyValue.js';
import { txn } from './etcd-calls.js';
import type { EtcdClient } from './etcd-client.js';

export interface GuardedWrite {
  readonly key: string;
  /** What the key must still be at; 0: absent. */
  readonly modRevision: number;
  /** null: delete. */
  readonly value: Buffer | null;
  readonly lease?: string | undefined;
  /** Keys that must be absent and are put with the write: names that only one object may hold. */
  readonly claims?: readonly string[] | undefined;
  /** Keys that go with the write. */
  readonly releases?: readonly string[] | undefined;
  /** The value of `claims`: the object's uid. */
  readonly owner?: string | undefined;
}

export type GuardedAnswer =
  | { readonly kind: 'written'; readonly revision: number }
  | { readonly kind: 'changed'; readonly current: KeyValue__Output | null }
  /** The key is as expected, but these claims are another's. */
  | { readonly kind: 'claimed'; readonly claims: readonly string[] };

/**
 * "If the key is still at this revision and nobody holds the claims, write all; else show what is there." May be sent
 * more than once: if an attempt whose answer was lost took effect, a later one fails its guard and finds our own
 * value (or, after a deletion, none), which counts as written. Values tell their writers apart by the object's uid.
 */
export async function guardedWrite(client: EtcdClient, write: GuardedWrite): Promise<GuardedAnswer> {
  const claims = write.claims ?? [];
  const answer = await txn(client, {
    compare: [atRevision(write.key, write.modRevision), ...claims.map((claim) => atRevision(claim, 0))],
    success: operations(write),
    failure: [write.key, ...claims].map((key) => ({ requestRange: { key: Buffer.from(key) } })),
  });
  const headerRevision = Number(answer.header!.revision);
  if (answer.succeeded) return { kind: 'written', revision: headerRevision };
  const current = foundAt(answer, 0);
  if (write.value === null && current === null) return { kind: 'written', revision: headerRevision };
  if (current !== null && write.value !== null && current.value.equals(write.value)) {
    return { kind: 'written', revision: Number(current.modRevision) };
  }
  const taken = claims.filter((_, at) => foundAt(answer, at + 1) !== null);
  return Number(current?.modRevision ?? 0) === write.modRevision && taken.length > 0
    ? { kind: 'claimed', claims: taken }
    : { kind: 'changed', current };
}

function atRevision(key: string, modRevision: number): Compare {
  return {
    key: Buffer.from(key),
    target: 'MOD',
    result: 'EQUAL',
    modRevision,
    targetUnion: 'modRevision',
  };
}

function operations(write: GuardedWrite): RequestOp[] {
  const key = Buffer.from(write.key);
  const owner = Buffer.from(write.owner ?? '');
  return [
    write.value === null
      ? { requestDeleteRange: { key } }
      : { requestPut: { key, value: write.value, lease: write.lease ?? '0' } },
    ...(write.claims ?? []).map((claim) => ({ requestPut: { key: Buffer.from(claim), value: owner } })),
    ...(write.releases ?? []).map((claim) => ({ requestDeleteRange: { key: Buffer.from(claim) } })),
  ];
}

function foundAt(answer: TxnResponse__Output, at: number): KeyValue__Output | null {
  return answer.responses[at]?.responseRange?.kvs[0] ?? null;
}
