import { status, type ServiceError } from '@grpc/grpc-js';
import type { ClusterClient } from '@raftsman/proto/gen/etcdserverpb/Cluster.js';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { LeaseKeepAliveResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveResponse.js';
import { memberId } from '@raftsman/raft';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../../../test/support/until.js';
import { ForwardError, ReplicaError, type ForwardedAnswer, type ForwardedCall } from '../../src/contract.js';
import { ask, client, serve } from './asking.js';
import type { Serving } from './single-member.js';

function renewing(serving: Serving) {
  const stream = client<LeaseClient>(serving, 'Lease').leaseKeepAlive();
  const answers: LeaseKeepAliveResponse__Output[] = [];
  const errors: ServiceError[] = [];
  stream.on('data', (answer: LeaseKeepAliveResponse__Output) => answers.push(answer));
  stream.on('error', (error: ServiceError) => errors.push(error));
  onTestFinished(() => stream.cancel());
  const renew = (...ids: number[]): void => ids.forEach((ID) => stream.write({ ID }));
  return { stream, answers, errors, renew, ids: () => answers.map(({ ID }) => ID) };
}

const otherMember = memberId(77);

/** Two members, of which one takes the other for the leader; with leases 5 and 6 there. */
async function pair() {
  const [leader, follower] = [await serve(), await serve({ electionTimeoutMs: 50 })];
  const lease = client<LeaseClient>(leader, 'Lease');
  for (const ID of [5, 6]) await ask((done) => lease.leaseGrant({ TTL: 100, ID }, done));
  const { replica } = follower;
  replica.change({ role: 'follower', leader: otherMember });
  replica.forwarding = (call) => leader.replica.answer(call);
  return { leader, follower, replica };
}

/** Refused before anything was asked, broken off, or answered by whom. */
type Script = readonly ('no-leader' | 'leader-changed' | 'stopped' | 'not-leader' | 'answer')[];

/** The calls that are passed on go like this, one after the other; the last way for all that follow. */
function follow({ leader, replica }: Awaited<ReturnType<typeof pair>>, script: Script) {
  const calls: ForwardedCall[] = [];
  replica.forwarding = (call): Promise<ForwardedAnswer> => {
    const next = script[Math.min(calls.length, script.length - 1)]!;
    calls.push(call);
    if (next === 'answer') return leader.replica.answer(call);
    if (next === 'not-leader') return Promise.resolve({ kind: next });
    return Promise.reject(new ReplicaError(next));
  };
  return calls;
}

describe('what only the leader knows', () => {
  it('a follower asks it for', async () => {
    const { leader, follower } = await pair();
    await ask((done) =>
      client<KVClient>(leader, 'KV').put(
        { key: Buffer.from('held'), value: Buffer.from('v'), lease: 5 },
        done,
      ),
    );
    const { answers, renew } = renewing(follower);
    renew(5, 7);
    await until('the answers', () => answers.length === 2);
    expect(answers).toMatchObject([
      { ID: '5', TTL: '100' },
      { ID: '7', TTL: '0' },
    ]);
    const known = await ask((done) =>
      client<LeaseClient>(follower, 'Lease').leaseTimeToLive({ ID: 5, keys: true }, done),
    );
    expect(known).toMatchObject({ ID: '5', grantedTTL: '100', keys: [Buffer.from('held')] });
  });

  it('is asked for again while leadership moves, and no client hears of it', async () => {
    const both = await pair();
    const calls = follow(both, ['no-leader', 'leader-changed', 'not-leader', 'answer']);
    const { answers, errors, renew } = renewing(both.follower);
    renew(5);
    await until('the answer', () => answers.length === 1);
    expect(answers).toMatchObject([{ ID: '5', TTL: '100' }]);
    expect(calls.length).toBe(4);
    expect(errors).toEqual([]);
  });

  it('is waited for while nobody leads, and asked for here if it is this member then', async () => {
    const both = await pair();
    const { follower, replica } = both;
    replica.change({ leader: null });
    follow(both, ['no-leader']);
    const lease = client<LeaseClient>(follower, 'Lease');
    let answer: object | undefined;
    void ask((done) => lease.leaseTimeToLive({ ID: 5 }, done)).then((given) => (answer = given));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answer).toBeUndefined();
    replica.change({ role: 'leader', leader: replica.status().id });
    await until('the answer', () => answer);
    // This one never heard of it.
    expect(answer).toMatchObject({ ID: '5', TTL: '-1' });
  });

  it('is not waited for longer than a request may take', async () => {
    const end = async (leader: typeof otherMember | null): Promise<ServiceError> => {
      const both = await pair();
      both.replica.change({ leader });
      follow(both, ['leader-changed']);
      const { errors, renew } = renewing(both.follower);
      renew(5);
      return until('the end', () => errors[0]);
    };
    const ends = await Promise.all([end(null), end(otherMember)]);
    expect(ends).toMatchObject([
      { code: status.UNAVAILABLE, details: 'etcdserver: no leader' },
      { code: status.UNAVAILABLE, details: 'etcdserver: request timed out' },
    ]);
  });

  it('is not asked for again when it would end so again, and the client is told how it ended', async () => {
    const { follower, replica } = await pair();
    let asked = 0;
    replica.forwarding = () => {
      asked += 1;
      return Promise.reject(new ForwardError(status.RESOURCE_EXHAUSTED, 'larger than max'));
    };
    const lease = client<LeaseClient>(follower, 'Lease');
    expect(await ask((done) => lease.leaseTimeToLive({ ID: 5 }, done))).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: 'larger than max',
    });
    expect(asked).toBe(1);
  });

  it('is not passed on a second time: who does not lead says so', async () => {
    const { leader, follower } = await pair();
    const calls: ForwardedCall[] = [];
    follower.replica.forwarding = (call) => {
      calls.push(call);
      return leader.replica.answer(call);
    };
    leader.replica.change({ role: 'follower', leader: otherMember });
    leader.replica.forwarding = () => Promise.reject(new Error('asked round in circles'));
    const { answers, renew } = renewing(follower);
    renew(5);
    await until('some attempts', () => calls.length > 2);
    expect(await leader.replica.answer(calls[0]!)).toEqual({ kind: 'not-leader' });
    leader.replica.change({ role: 'leader', leader: leader.replica.status().id });
    await until('the answer', () => answers.length === 1);
    expect(answers).toMatchObject([{ ID: '5', TTL: '100' }]);
  });

  it('is nothing that any peer may make up', async () => {
    const { leader } = await pair();
    const call = { path: '/etcdserverpb.KV/Put', request: Buffer.alloc(0), user: '', authRevision: 0 };
    expect(await leader.replica.answer(call)).toMatchObject({ kind: 'refusal', code: status.UNIMPLEMENTED });
    const malformed = { ...call, path: '/etcdserverpb.Lease/LeaseKeepAlive', request: Buffer.from([0xff]) };
    expect(await leader.replica.answer(malformed)).toMatchObject({ kind: 'refusal', code: status.INTERNAL });
  });
});

describe('renewals of one stream', () => {
  it('go on beside a slow one, and are answered in their order', async () => {
    const { leader, follower, replica } = await pair();
    const waiting: (() => void)[] = [];
    replica.forwarding = async (call) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return leader.replica.answer(call);
    };
    const { renew, ids } = renewing(follower);
    renew(5, 6, 5);
    await until('all three at the leader', () => waiting.length === 3);
    waiting[2]!();
    waiting[1]!();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(ids()).toEqual([]);
    waiting[0]!();
    await until('the answers', () => ids().length === 3);
    expect(ids()).toEqual(['5', '6', '5']);
  });

  it('are under way in bounded number', async () => {
    const { leader, follower, replica } = await pair();
    let [underWay, most] = [0, 0];
    replica.forwarding = async (call) => {
      most = Math.max(most, (underWay += 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
      underWay -= 1;
      return leader.replica.answer(call);
    };
    const { renew, ids } = renewing(follower);
    renew(...Array.from({ length: 300 }, () => 5));
    await until('the answers', () => ids().length === 300);
    expect(most).toBeGreaterThan(1);
    // Those that the stream had read before it was paused.
    expect(most).toBeLessThan(64 + 32);
  });

  it('that fail end it where their answer would be', async () => {
    const both = await pair();
    follow(both, ['answer', 'stopped']);
    const { renew, ids, errors } = renewing(both.follower);
    renew(5, 6, 5);
    await until('the end', () => errors.length === 1);
    expect(ids()).toEqual(['5']);
    expect(errors).toMatchObject([{ code: status.UNAVAILABLE, details: 'etcdserver: server stopped' }]);
  });
});

describe('a change of members that broke off', () => {
  const votes = { isLearner: false, isWitness: false };
  const member = (id: number, url: string) => ({
    id: memberId(id),
    name: '',
    peerUrls: [url],
    clientUrls: [],
    ...votes,
  });

  /** The first attempt breaks off once `changed` are the members; repeated it is refused. */
  async function broken(
    changed: (before: readonly ReturnType<typeof member>[]) => ReturnType<typeof member>[],
  ) {
    const { follower, replica } = await pair();
    const before = [member(1, 'http://m1:2380'), { ...member(2, 'http://m2:2380'), isLearner: true }];
    replica.memberList = before;
    let asked = 0;
    replica.forwarding = () => {
      asked += 1;
      if (asked > 1) return Promise.resolve({ kind: 'refusal', code: 14, details: 'etcdserver: unhealthy' });
      replica.memberList = changed(before);
      return Promise.reject(new ReplicaError('leader-changed'));
    };
    return client<ClusterClient>(follower, 'Cluster');
  }

  it('was made: it is answered so', async () => {
    const added = await broken((before) => [...before, member(3, 'http://m3:2380')]);
    expect(
      await ask((done) => added.memberAdd({ peerURLs: ['http://m3:2380'], isLearner: false }, done)),
    ).toMatchObject({ member: { ID: '3' }, members: [{ ID: '1' }, { ID: '2' }, { ID: '3' }] });
    const removed = await broken(([first]) => [first!]);
    expect(await ask((done) => removed.memberRemove({ ID: 2 }, done))).toMatchObject({
      members: [{ ID: '1' }],
    });
    const promoted = await broken((before) => before.map((each) => ({ ...each, isLearner: false })));
    expect(await ask((done) => promoted.memberPromote({ ID: 2 }, done))).toMatchObject({
      members: [{ ID: '1' }, { ID: '2', isLearner: false }],
    });
  });

  it('was made, and only its answer did not get through: it is answered so', async () => {
    const { follower, replica } = await pair();
    replica.memberList = [member(1, 'http://m1:2380'), member(2, 'http://m2:2380')];
    replica.forwarding = () => {
      replica.memberList = replica.memberList.slice(0, 1);
      return Promise.reject(new ForwardError(status.INTERNAL, 'no answer'));
    };
    const cluster = client<ClusterClient>(follower, 'Cluster');
    expect(await ask((done) => cluster.memberRemove({ ID: 2 }, done))).toMatchObject({
      members: [{ ID: '1' }],
    });
  });

  it('was not made: the refusal stands', async () => {
    const refusal = { code: 14, details: 'etcdserver: unhealthy' };
    const same = (before: readonly ReturnType<typeof member>[]) => [...before];
    const cluster = await broken(same);
    // The URL is that of a member that was there before.
    expect(await ask((done) => cluster.memberAdd({ peerURLs: ['http://m2:2380'] }, done))).toEqual(refusal);
    expect(await ask((done) => cluster.memberRemove({ ID: 2 }, done))).toEqual(refusal);
    expect(await ask((done) => cluster.memberRemove({ ID: 9 }, done))).toEqual(refusal);
    expect(await ask((done) => cluster.memberPromote({ ID: 2 }, done))).toEqual(refusal);
    const moved = { ID: 2, peerURLs: ['http://m9:2380'] };
    expect(await ask((done) => cluster.memberUpdate(moved, done))).toEqual(refusal);
  });
});
