import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { LeaseKeepAliveRequest } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveRequest.js';
import type { LeaseKeepAliveResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveResponse.js';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../../../test/support/until.js';
import { build, call, StoreProcesses } from '../replica-process-fixture.js';

beforeAll(build, 120_000);

async function startThree(flags: readonly string[] = []) {
  const stores = await StoreProcesses.create(flags);
  stores.startAll();
  const leader = await stores.leader();
  const [follower, third] = stores.names.filter((name) => name !== leader) as [string, string];
  await Promise.all(stores.names.map((name) => stores.serving(name)));
  return { stores, leader, follower, third };
}

const stop = (stores: StoreProcesses, name: string): boolean => process.kill(stores.pid(name), 'SIGSTOP');

/** Two leases on one stream, which a client renews so often that the leader's end meets some of it. */
async function renewing(stores: StoreProcesses, name: string, ttlSeconds: number) {
  const lease = stores.clients(name).lease as unknown as LeaseClient;
  for (const ID of [1, 2]) await call(stores.clients(name).lease, 'leaseGrant', { ID, TTL: ttlSeconds });
  const stream: ClientDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse__Output> =
    lease.leaseKeepAlive();
  const answers: LeaseKeepAliveResponse__Output[] = [];
  const errors: ServiceError[] = [];
  stream.on('data', (answer: LeaseKeepAliveResponse__Output) => answers.push(answer));
  stream.on('error', (error: ServiceError) => errors.push(error));
  const timer = setInterval(() => [1, 2].forEach((ID) => stream.write({ ID })), 10);
  onTestFinished(() => {
    clearInterval(timer);
    stream.cancel();
  });
  /** Fails as soon as the client hears of anything. */
  const more = (count: number): Promise<boolean> => {
    const before = answers.length;
    return until(
      `${count} more renewals`,
      () => {
        expect(errors).toEqual([]);
        return answers.length >= before + count;
      },
      60_000,
    );
  };
  return { answers, more };
}

describe('renewals through a follower', { timeout: 120_000 }, () => {
  test.each(['is killed', 'stands still'])('pause while the leader %s, and no lease ends', async (what) => {
    const { stores, leader, follower } = await startThree();
    // Short, but longer than an election may take on a machine that is busy: who leads next begins with all of it.
    const { answers, more } = await renewing(stores, follower, 5);
    await call(stores.clients(follower).kv, 'put', {
      key: Buffer.from('held'),
      value: Buffer.from('v'),
      lease: 1,
    });
    await more(50);
    if (what === 'is killed') await stores.kill(leader);
    else stop(stores, leader);
    await more(200);
    expect(new Set(answers.map(({ TTL }) => TTL))).toEqual(new Set(['5']));
    expect(answers.map(({ ID }) => ID)).toEqual(answers.map((_, at) => String(1 + (at % 2))));
    const known = await call<{ TTL: string; keys: Buffer[] }>(
      stores.clients(follower).lease,
      'leaseTimeToLive',
      {
        ID: 1,
        keys: true,
      },
    );
    expect(Number(known.TTL)).toBeGreaterThan(0);
    expect(known.keys).toEqual([Buffer.from('held')]);
  });

  test('reach a leader whose client URLs lead elsewhere', async () => {
    // The first one, to each member, is the same machine's.
    const nowhere = ['http://127.0.0.1:1', 'http://127.0.0.1:2'];
    const { stores, follower, third } = await startThree([`--advertise-client-urls=${nowhere.join(',')}`]);
    const { more } = await renewing(stores, follower, 60);
    await more(4);
    const { members } = await call<{ members: { ID: string; clientURLs: string[]; name: string }[] }>(
      stores.clients(follower).cluster,
      'memberList',
      {},
    );
    const { ID, clientURLs } = members.find(({ name }) => name === third)!;
    expect(clientURLs).toEqual(nowhere);
    const peerURLs = [stores.peerUrl(third), 'http://127.0.0.1:3'].toSorted();
    const { members: changed } = await call<{ members: { ID: string; peerURLs: string[] }[] }>(
      stores.clients(follower).cluster,
      'memberUpdate',
      { ID, peerURLs },
    );
    expect(changed.find((member) => member.ID === ID)!.peerURLs).toEqual(peerURLs);
  });
});

describe('a change of members through a follower', { timeout: 120_000 }, () => {
  test('is made by the next leader when the one that was asked stands still', async () => {
    const { stores, leader, follower, third } = await startThree();
    const { cluster } = stores.clients(follower);
    const { members } = await call<{ members: { ID: string; name: string }[] }>(cluster, 'memberList', {});
    const { ID } = members.find(({ name }) => name === third)!;
    const peerURLs = [stores.peerUrl(third), 'http://127.0.0.1:3'];
    // The way there is known.
    await call(cluster, 'memberUpdate', { ID, peerURLs: [stores.peerUrl(third)] });
    stop(stores, leader);
    const { members: changed } = await call<{ members: { ID: string; peerURLs: string[] }[] }>(
      cluster,
      'memberUpdate',
      { ID, peerURLs },
    );
    expect(changed.find((member) => member.ID === ID)!.peerURLs).toEqual(peerURLs.toSorted());
  });
});
