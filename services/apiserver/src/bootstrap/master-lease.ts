import type { ServiceError } from '@grpc/grpc-js';
import type { LeaseKeepAliveRequest } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveRequest.js';
import type { LeaseKeepAliveResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveResponse.js';
import { limits } from '../limits.js';
import type { EtcdClient } from '../storage/etcd-client.js';
import type { EtcdMember } from '../storage/etcd-member.js';
import { leaseGrant, range, txn } from '../storage/etcd-calls.js';
import { prefixEnd } from '../storage/keys.js';

/** The apiservers that are up, by keys that live as long as their leases. Keeping one alive writes nothing. */
export interface MasterLeases {
  /** Says that `name` is up; to be repeated well within the lease's time. */
  refresh(name: string): Promise<void>;
  live(): Promise<ReadonlySet<string>>;
  /** Gives the key up. */
  release(name: string): Promise<void>;
}

export function createMasterLeases(client: EtcdClient, keyPrefix: string): MasterLeases {
  const prefix = `${keyPrefix}/masterleases/`;
  let lease: string | null = null;
  return {
    refresh: async (name) => {
      if (lease !== null && (await keepAlive(client.preferred(), lease))) return;
      const granted = await leaseGrant(client, { TTL: limits.masterLeaseSeconds });
      const key = Buffer.from(prefix + name);
      await txn(client, { success: [{ requestPut: { key, value: Buffer.from(name), lease: granted.ID } }] });
      lease = granted.ID;
    },
    live: async () => {
      const answer = await range(client, {
        key: Buffer.from(prefix),
        rangeEnd: Buffer.from(prefixEnd(prefix)),
        keysOnly: true,
      });
      return new Set(answer.kvs.map(({ key }) => key.toString().slice(prefix.length)));
    },
    release: async (name) => {
      await txn(client, { success: [{ requestDeleteRange: { key: Buffer.from(prefix + name) } }] });
    },
  };
}

/** Whether the lease lives on; a member that does not answer counts as no, and a new lease is taken. */
function keepAlive(member: EtcdMember, lease: string): Promise<boolean> {
  return new Promise((resolve) => {
    const stream = member.lease.LeaseKeepAlive({ deadline: Date.now() + limits.etcdAttemptMs });
    const settle = (alive: boolean): void => {
      resolve(alive);
      stream.cancel();
    };
    stream.once('data', (answer: LeaseKeepAliveResponse__Output) => settle(Number(answer.TTL) > 0));
    stream.on('error', (_error: ServiceError) => settle(false));
    stream.once('end', () => settle(false));
    const request: LeaseKeepAliveRequest = { ID: lease };
    stream.write(request);
  });
}
