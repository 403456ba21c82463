import type { ChannelCredentials, ServiceError } from '@grpc/grpc-js';
import { loadService, wireLimits } from '@raftsman/wire';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { MaintenanceClient } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import type { StatusResponse__Output } from '@raftsman/proto/gen/etcdserverpb/StatusResponse.js';
import type { WatchClient } from '@raftsman/proto/gen/etcdserverpb/Watch.js';
import { limits } from '../limits.js';

/** One member of the store and its connection, which the four clients share. */
export interface EtcdMember {
  /** host:port. */
  readonly address: string;
  readonly kv: KVClient;
  readonly watch: WatchClient;
  readonly lease: LeaseClient;
  readonly maintenance: MaintenanceClient;
}

/** No retries inside grpc-js: which attempt may be repeated, and where, is decided in one place (etcd-client.ts). */
const channelOptions = {
  'grpc.enable_retries': 0,
  'grpc.max_receive_message_length': wireLimits.receiveMessageBytesMax,
  'grpc.keepalive_time_ms': wireLimits.keepaliveTimeMs,
  'grpc.keepalive_timeout_ms': wireLimits.keepaliveTimeoutMs,
  'grpc.initial_reconnect_backoff_ms': wireLimits.reconnectBackoffMinMs,
  'grpc.max_reconnect_backoff_ms': wireLimits.reconnectBackoffMaxMs,
};

export function createEtcdMember(address: string, credentials: ChannelCredentials): EtcdMember {
  const client = <T>(service: string): T =>
    new (loadService('etcd/rpc.proto', `etcdserverpb.${service}`))(
      address,
      credentials,
      channelOptions,
    ) as unknown as T;
  return {
    address,
    kv: client<KVClient>('KV'),
    watch: client<WatchClient>('Watch'),
    lease: client<LeaseClient>('Lease'),
    maintenance: client<MaintenanceClient>('Maintenance'),
  };
}

export function closeEtcdMember(member: EtcdMember): void {
  for (const client of [member.kv, member.watch, member.lease, member.maintenance]) client.close();
}

/** What the member says of itself; rejects with the gRPC error. */
export function memberStatus(
  member: EtcdMember,
  timeoutMs: number = limits.etcdProbeTimeoutMs,
): Promise<StatusResponse__Output> {
  return new Promise((resolve, reject) => {
    member.maintenance.Status(
      {},
      { deadline: Date.now() + timeoutMs },
      (error: ServiceError | null, answer) => {
        if (error !== null) reject(error);
        else resolve(answer!);
      },
    );
  });
}
