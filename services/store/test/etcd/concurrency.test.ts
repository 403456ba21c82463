import { status, type ServiceError } from '@grpc/grpc-js';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { ElectionClient } from '@raftsman/proto/gen/v3electionpb/Election.js';
import type { LeaderResponse__Output } from '@raftsman/proto/gen/v3electionpb/LeaderResponse.js';
import type { LockClient } from '@raftsman/proto/gen/v3lockpb/Lock.js';
import type { LockResponse__Output } from '@raftsman/proto/gen/v3lockpb/LockResponse.js';
import { clientCredentials, loadService } from '@raftsman/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { etcdLimits } from '../../src/etcd/limits.js';
import { Waiters } from '../../src/etcd/waiters.js';
import { serveSingleMember, type Serving } from './single-member.js';
import { until } from '../../../../test/support/until.js';

let serving: Serving;
let clients: { close(): void }[];
let lock: LockClient;
let election: ElectionClient;
let kv: KVClient;
let lease: LeaseClient;

beforeEach(async () => {
  serving = await serveSingleMember();
  clients = [];
  lock = client('etcd/lock.proto', 'v3lockpb.Lock');
  election = client('etcd/election.proto', 'v3electionpb.Election');
  kv = client('etcd/rpc.proto', 'etcdserverpb.KV');
  lease = client('etcd/rpc.proto', 'etcdserverpb.Lease');
  for (const ID of [1, 2, 3]) await ask((done) => lease.leaseGrant({ ID, TTL: 600 }, done));
});

afterEach(async () => {
  for (const one of clients) one.close();
  await serving.close();
});

function client<T>(file: string, service: string): T {
  const made = new (loadService(file, service))(`127.0.0.1:${serving.port}`, clientCredentials('insecure'));
  clients.push(made);
  return made as unknown as T;
}

/** The answer, or the refusal as { code, details }. */
function ask<Response>(
  call: (callback: (error: ServiceError | null, response?: Response) => void) => unknown,
): Promise<Response & { code?: status; details?: string }> {
  return new Promise((resolve) => {
    call((error, response) =>
      resolve((error ? { code: error.code, details: error.details } : response) as never),
    );
  });
}

const name = Buffer.from('l');
const holds = (id: number) => ask<LockResponse__Output>((done) => lock.lock({ name, lease: id }, done));
const unlock = (key: string) => ask((done) => lock.unlock({ key: Buffer.from(key) }, done));
const hasKey = async (key: string): Promise<boolean> =>
  (await ask<{ count: string }>((done) => kv.range({ key: Buffer.from(key) }, done))).count === '1';
const watcherCount = (): number => serving.stateMachine.watches.size;

describe('a lock', () => {
  it('is not given to whose lease ended while it waited, and that is said at once', async () => {
    await holds(1);
    const second = holds(2);
    await until('the second to wait', () => watcherCount() > 0);
    await ask((done) => lease.leaseRevoke({ ID: 2 }, done));
    expect(await second).toEqual({ code: status.UNKNOWN, details: 'mutex: session is expired' });
    expect(await hasKey('l/1')).toBe(true);
    expect(watcherCount()).toBe(0);
  });

  it('is not given to who was deleted by hand and came back later with the same lease', async () => {
    await holds(1);
    const first = holds(2);
    await until('the first call to wait', () => watcherCount() > 0);
    await ask((done) => kv.deleteRange({ key: Buffer.from('l/2') }, done));
    expect((await first).details).toBe('mutex: session is expired');
    const again = holds(2);
    await until('the second call to wait', () => watcherCount() > 0);
    await unlock('l/1');
    expect((await again).key.toString()).toBe('l/2');
  });

  it('leaves the places of other names alone', async () => {
    await holds(1);
    const other = await ask<LockResponse__Output>((done) =>
      lock.lock({ name: Buffer.from('l0'), lease: 2 }, done),
    );
    expect(other.key.toString()).toBe('l0/2');
  });

  it('gives a lease of 60 s to who brings none', async () => {
    const { key } = await ask<LockResponse__Output>((done) => lock.lock({ name }, done));
    const ID = BigInt(`0x${key.toString().slice(2)}`).toString();
    const { grantedTTL } = await ask<{ grantedTTL: string }>((done) => lease.leaseTimeToLive({ ID }, done));
    expect(grantedTTL).toBe('60');
  });

  it('keeps the place of who waits at a member that stops: it may come back to another', async () => {
    await holds(1);
    const second = holds(2);
    await until('the second to wait', () => watcherCount() > 0);
    await serving.close();
    expect(await second).toEqual({ code: status.UNAVAILABLE, details: 'etcdserver: server stopped' });
    expect(serving.stateMachine.store.space.index.newest('l/2')?.version).toBe(1);
  });

  it('that cannot be waited for ends with what the replica says, and the place is given up as soon as it can be', async () => {
    serving.replica.refusal = 'no-leader';
    expect(await holds(1)).toEqual({ code: status.UNAVAILABLE, details: 'etcdserver: no leader' });
    serving.replica.refusal = null;
    expect(await hasKey('l/1')).toBe(false);
  });
});

describe('an election', () => {
  const campaign = (id: number, value: string) =>
    ask<{ leader: { rev: string } | null }>((done) =>
      election.campaign({ name, lease: id, value: Buffer.from(value) }, done),
    );

  it('is not won with a lease that ended meanwhile', async () => {
    await campaign(1, 'a');
    const second = campaign(2, 'b');
    await until('the second to wait', () => watcherCount() > 0);
    await ask((done) => lease.leaseRevoke({ ID: 2 }, done));
    expect(await second).toEqual({ code: status.UNKNOWN, details: 'election: not leader' });
  });

  it('is observed whole and in order by who reads slowly, across leaders', async () => {
    const first = await campaign(1, 'first');
    const observed = election.observe({ name });
    const values: string[] = [];
    observed.on('error', () => undefined);
    observed.on('data', ({ kv: leader }: LeaderResponse__Output) => values.push(leader!.value.toString()));
    await until('the first value', () => values.length === 1);
    observed.pause();
    const leader = { name, key: Buffer.from('l/1'), rev: first.leader!.rev, lease: 1 };
    const value = Buffer.alloc(100_000, 'x');
    for (let at = 0; at < 50; at += 1) {
      value.write(String(at).padStart(3, '0'));
      await ask((done) => election.proclaim({ leader, value }, done));
    }
    const second = campaign(2, 'second');
    await ask((done) => election.resign({ leader }, done));
    await second;
    observed.resume();
    await until('the last value', () => values.at(-1) === 'second');
    const numbers = values.slice(1, -1).map((text) => Number(text.slice(0, 3)));
    expect(numbers).toEqual([...Array(50).keys()]);
    observed.cancel();
    await until('nobody to watch', () => watcherCount() === 0);
  });

  it('has observers that hear of the end', async () => {
    const observed = election.observe({ name });
    const ended = new Promise<ServiceError>((resolve) => observed.on('error', resolve));
    observed.resume();
    await until('the observer to wait', () => watcherCount() > 0);
    await serving.close();
    expect((await ended).details).toBe('etcdserver: server stopped');
  });
});

describe('those who wait', () => {
  it('are not too many', async () => {
    const waiters = new Waiters();
    const wait = (): Promise<void> => waiters.wait(new AbortController().signal, () => undefined);
    const all = Array.from({ length: etcdLimits.waitersMax }, wait);
    await expect(wait()).rejects.toThrow('too many requests');
    waiters.close();
    const ends = await Promise.allSettled(all);
    expect(ends.every((end) => end.status === 'rejected')).toBe(true);
    expect(waiters.size).toBe(0);
  });
});
