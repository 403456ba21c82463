import { ChannelCredentials } from '@grpc/grpc-js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { LeaseGrantResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseGrantResponse.js';
import { loadService } from '@raftsman/wire';
import { pause } from '../load.js';
import { startMembers, type Contender } from '../members.js';
import type { Report, Row } from '../report.js';

const Lease = loadService('etcd/rpc.proto', 'etcdserverpb.Lease');
const grants: Row = { name: 'leases granted, 64 clients', unit: '/s', better: 'higher' };
const renewals: Row = { name: 'leases kept alive, 30 streams', unit: '/s', better: 'higher' };
const memory: Row = { name: 'memory per lease, 10,000 leases', unit: 'B', better: 'lower' };
const count = 10_000;

export async function leases(contender: Contender, report: Report): Promise<void> {
  const members = await startMembers(contender);
  const clients = members.endpoints.map(
    (endpoint) => new Lease(endpoint, ChannelCredentials.createInsecure()) as unknown as LeaseClient,
  );
  try {
    await pause(1_000);
    const before = members.usage(0).residentBytes;
    const ids: string[] = [];
    const grantMs = await timed(async () => {
      let left = count;
      const granter = async (client: LeaseClient): Promise<void> => {
        while (left > 0) {
          left -= 1;
          ids.push((await grant(client)).ID);
        }
      };
      await Promise.all(Array.from({ length: 64 }, (_, i) => granter(clients[i % clients.length]!)));
    });
    report.note(grants, contender.name, (count / grantMs) * 1_000);
    report.note(memory, contender.name, Math.max(0, members.usage(0).residentBytes - before) / count);
    let kept = 0;
    const keepMs = await timed(() =>
      Promise.all(
        Array.from({ length: 30 }, (_, i) => keepAlive(clients[i % clients.length]!, ids, i, () => kept++)),
      ),
    );
    report.note(renewals, contender.name, (kept / keepMs) * 1_000);
  } finally {
    for (const client of clients) client.close();
    await members.stop();
  }
}

const grant = (client: LeaseClient): Promise<LeaseGrantResponse__Output> =>
  new Promise((resolve, reject) => {
    client.leaseGrant({ TTL: 600 }, (error, response) => (error ? reject(error) : resolve(response!)));
  });

/** Renews one lease after another, each when the one before was answered, for five seconds. */
function keepAlive(
  client: LeaseClient,
  ids: readonly string[],
  first: number,
  answered: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.leaseKeepAlive();
    const endMs = performance.now() + 5_000;
    let at = first;
    const next = (): void => {
      at = (at + 30) % ids.length;
      if (performance.now() < endMs) stream.write({ ID: ids[at]! });
      else stream.end();
    };
    stream.on('data', () => {
      answered();
      next();
    });
    stream.on('error', reject);
    stream.on('end', resolve);
    next();
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}
