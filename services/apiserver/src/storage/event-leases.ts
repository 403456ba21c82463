import { limits } from '../limits.js';
import { leaseGrant } from './etcd-calls.js';
import type { EtcdClient } from './etcd-client.js';

/** Leases under which Events are written; a lease serves all Events of a minute, so that an Event lives at least its time to live. */
export function createEventLeases(client: EtcdClient, now: () => number): () => Promise<string> {
  let shared: { readonly until: number; readonly id: Promise<string>; keysLeft: number } | null = null;
  return async () => {
    if (shared === null || now() >= shared.until || shared.keysLeft === 0) {
      const id = grant(client);
      const mine = { until: now() + limits.eventLeaseSpanMs, id, keysLeft: limits.eventLeaseKeys };
      shared = mine;
      id.catch(() => {
        if (shared === mine) shared = null;
      });
    }
    shared.keysLeft -= 1;
    return shared.id;
  };
}

async function grant(client: EtcdClient): Promise<string> {
  const ttlSeconds = limits.eventTtlSeconds + limits.eventLeaseSpanMs / 1_000;
  const answer = await leaseGrant(client, { TTL: ttlSeconds });
  return answer.ID;
}
