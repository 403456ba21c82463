import { status, ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { loadService } from '@raftsman/wire';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { MaintenanceClient } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import type { WatchClient } from '@raftsman/proto/gen/etcdserverpb/Watch.js';
import type { Member } from './members.js';

const KV = loadService('etcd/rpc.proto', 'etcdserverpb.KV');
const Lease = loadService('etcd/rpc.proto', 'etcdserverpb.Lease');
const Watch = loadService('etcd/rpc.proto', 'etcdserverpb.Watch');
const Maintenance = loadService('etcd/rpc.proto', 'etcdserverpb.Maintenance');

/** One connection to one member. Nothing is retried here: a second attempt would be another operation. */
export interface Connection {
  readonly member: Member;
  readonly kv: KVClient;
  readonly lease: LeaseClient;
  readonly watch: WatchClient;
  readonly maintenance: MaintenanceClient;
  close(): void;
}

const options = {
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.min_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 200,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
};

export function connect(member: Member): Connection {
  const credentials = ChannelCredentials.createInsecure();
  const kv = new KV(member.endpoint, credentials, options);
  const channelOverride = kv.getChannel();
  const on = (service: typeof KV): unknown =>
    new service(member.endpoint, credentials, { ...options, channelOverride });
  return {
    member,
    kv: kv as unknown as KVClient,
    lease: on(Lease) as LeaseClient,
    watch: on(Watch) as WatchClient,
    maintenance: on(Maintenance) as MaintenanceClient,
    close: () => kv.close(),
  };
}

/** Whether there is a connection by then; asking makes one. What was not sent is no operation. */
export function isReady(connection: Connection, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) =>
    connection.kv.waitForReady(Date.now() + timeoutMs, (error) => resolve(error === undefined)),
  );
}

type Done<Response> = (error: ServiceError | null, response?: Response) => void;

/** One unary call, begun by `start`. Rejects with the ServiceError. */
export function call<Response>(
  timeoutMs: number,
  start: (options: { readonly deadline: number }, done: Done<Response>) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    start({ deadline: Date.now() + timeoutMs }, (error, response) => {
      if (error !== null) reject(error);
      else if (response === undefined) reject(new Error('neither error nor response'));
      else resolve(response);
    });
  });
}

const refusals: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.RESOURCE_EXHAUSTED,
  status.UNIMPLEMENTED,
]);

/** The server said that it did not do it; every other error leaves open whether it did. */
export const isRefusal = (error: unknown): boolean => refusals.has((error as ServiceError).code);

export const reasonOf = (error: unknown): string =>
  (error as ServiceError).details ?? (error instanceof Error ? error.message : String(error));
