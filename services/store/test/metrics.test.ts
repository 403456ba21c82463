import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import { serviceDefinition } from '@raftsman/wire';
import { describe, expect, it } from 'vitest';
import { until } from '../../../test/support/until.js';
import { ask, client, serve } from './etcd/asking.js';
import type { Serving } from './etcd/single-member.js';
import { TestCluster, TinyStateMachine } from './replica-fixture.js';

/** The value of `name`, with labels as they are printed; NaN: it is not there. */
async function metric({ port }: Serving, name: string): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = page.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? NaN : Number(line.slice(name.length + 1));
}

const kvMethods = serviceDefinition('etcd/rpc.proto', 'etcdserverpb.KV');
const labelled = (name: string, service: string, method: string, type: string): string =>
  `${name}{grpc_service="etcdserverpb.${service}",grpc_method="${method}",grpc_type="${type}"}`;

function renew(lease: LeaseClient, ids: readonly number[]): Promise<void> {
  const stream = lease.leaseKeepAlive();
  for (const ID of ids) stream.write({ ID });
  stream.end();
  stream.resume();
  return new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));
}

describe('the metrics of clients', () => {
  it('count messages and their bytes, in both directions, over gRPC and JSON', async () => {
    const serving = await serve();
    const kv = client<KVClient>(serving, 'KV');
    const request = { key: Buffer.from('k'), value: Buffer.alloc(1_000, 'v') };
    const requestBytes = kvMethods['Put']!.requestSerialize(request).length;
    const read = (): Promise<readonly number[]> =>
      Promise.all(
        [
          'etcd_network_client_grpc_received_bytes_total',
          'etcd_network_client_grpc_sent_bytes_total',
          labelled('grpc_server_msg_received_total', 'KV', 'Put', 'unary'),
          labelled('grpc_server_msg_sent_total', 'KV', 'Put', 'unary'),
        ].map((name) => metric(serving, name)),
      );
    expect(await read()).toEqual([0, 0, 0, 0]);
    const response = await ask<object>((done) => kv.put(request, done));
    const responseBytes = kvMethods['Put']!.responseSerialize(response).length;
    expect(await read()).toEqual([requestBytes, responseBytes, 1, 1]);
    // Refused: nothing was sent but a status.
    await ask((done) => kv.put({ ...request, key: Buffer.alloc(0) }, done));
    const [received, ...rest] = await read();
    expect(received).toBeGreaterThan(2 * requestBytes - 10);
    expect(rest).toEqual([responseBytes, 2, 1]);
    const body = JSON.stringify({ key: 'aw==', value: 'dg==' });
    await fetch(`http://127.0.0.1:${serving.port}/v3/kv/put`, { method: 'POST', body });
    const [, , messagesIn, messagesOut] = await read();
    expect([messagesIn, messagesOut]).toEqual([3, 2]);
  });

  it('count the messages of a stream one by one', async () => {
    const serving = await serve();
    await renew(client<LeaseClient>(serving, 'Lease'), [1, 2, 3]);
    const [received, sent] = ['received', 'sent'].map((each) =>
      labelled(`grpc_server_msg_${each}_total`, 'Lease', 'LeaseKeepAlive', 'bidi_stream'),
    );
    expect([await metric(serving, received!), await metric(serving, sent!)]).toEqual([3, 3]);
  });
});

describe('the metrics of leases', () => {
  it('count those that were renewed, and those that ended', async () => {
    const serving = await serve({ electionTimeoutMs: 100 });
    const lease = client<LeaseClient>(serving, 'Lease');
    const kinds = ['lease_granted', 'lease_renewed', 'lease_revoked', 'server_lease_expired'];
    const read = (): Promise<readonly number[]> =>
      Promise.all(kinds.map((kind) => metric(serving, `etcd_debugging_${kind}_total`)));
    expect(await read()).toEqual([0, 0, 0, 0]);
    await ask((done) => lease.leaseGrant({ TTL: 1, ID: 1 }, done));
    await ask((done) => lease.leaseGrant({ TTL: 100, ID: 2 }, done));
    // There is no lease 3 to be renewed.
    await renew(lease, [2, 2, 3]);
    await ask((done) => lease.leaseRevoke({ ID: 2 }, done));
    await until('the end of the other', () => serving.stateMachine.store.leases.size === 0);
    await expect.poll(read).toEqual([2, 2, 2, 1]);
  });
});

describe('the metrics of consensus', () => {
  it('count what was slow to apply', async () => {
    class Slow extends TinyStateMachine {
      override apply(entry: { readonly data: Uint8Array }) {
        const untilMs = performance.now() + (Buffer.from(entry.data).toString() === 'slow=1' ? 150 : 0);
        while (performance.now() < untilMs);
        return super.apply(entry);
      }
    }
    const cluster = await TestCluster.create(1, { stateMachine: new Slow() });
    const { running } = await cluster.start('m1');
    await cluster.leader();
    const slowApplies = async (data: string): Promise<number> => {
      const before = running.measurements().slowApplies;
      await running.replica.propose(Buffer.from(data));
      return running.measurements().slowApplies - before;
    };
    expect(await slowApplies('slow=1')).toBeGreaterThan(0);
    // Unless the machine stood still each time.
    await expect.poll(() => slowApplies('quick=1')).toBe(0);
  });
});
