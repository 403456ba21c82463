import type { CompactionRequest } from '@raftsman/proto/gen/etcdserverpb/CompactionRequest.js';
import type { CompactionResponse__Output } from '@raftsman/proto/gen/etcdserverpb/CompactionResponse.js';
import type { LeaseGrantRequest } from '@raftsman/proto/gen/etcdserverpb/LeaseGrantRequest.js';
import type { LeaseGrantResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseGrantResponse.js';
import type { RangeRequest } from '@raftsman/proto/gen/etcdserverpb/RangeRequest.js';
import type { RangeResponse__Output } from '@raftsman/proto/gen/etcdserverpb/RangeResponse.js';
import type { TxnRequest } from '@raftsman/proto/gen/etcdserverpb/TxnRequest.js';
import type { TxnResponse__Output } from '@raftsman/proto/gen/etcdserverpb/TxnResponse.js';
import type { EtcdClient } from './etcd-client.js';

/** The etcd calls that an apiserver makes. */

export const range = (client: EtcdClient, request: RangeRequest): Promise<RangeResponse__Output> =>
  client.call<RangeRequest, RangeResponse__Output>((member, each, options, callback) => {
    member.kv.Range(each, options, callback);
  }, request);

export const txn = (client: EtcdClient, request: TxnRequest): Promise<TxnResponse__Output> =>
  client.call<TxnRequest, TxnResponse__Output>((member, each, options, callback) => {
    member.kv.Txn(each, options, callback);
  }, request);

export const leaseGrant = (
  client: EtcdClient,
  request: LeaseGrantRequest,
): Promise<LeaseGrantResponse__Output> =>
  client.call<LeaseGrantRequest, LeaseGrantResponse__Output>((member, each, options, callback) => {
    member.lease.LeaseGrant(each, options, callback);
  }, request);

export const compact = (
  client: EtcdClient,
  request: CompactionRequest,
): Promise<CompactionResponse__Output> =>
  client.call<CompactionRequest, CompactionResponse__Output>((member, each, options, callback) => {
    member.kv.Compact(each, options, callback);
  }, request);
