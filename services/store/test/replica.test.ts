import { describe, expect, test } from 'vitest';
import { TestCluster, type TestMember } from './replica-fixture.js';
import { until } from '../../../test/support/until.js';

const put = (member: TestMember, text: string): Promise<unknown> =>
  member.running.replica.propose(Buffer.from(text));

describe('one member', () => {
  test('answers with what applying gave, and has it after a restart', async () => {
    const cluster = await TestCluster.create(1);
    const member = await cluster.start('m1');
    expect(await put(member, 'a=1')).toBe(1);
    expect(await Promise.all([put(member, 'b=2'), put(member, 'a=3')])).toEqual([2, 3]);
    await cluster.stop('m1');
    const again = await cluster.start('m1');
    await again.running.replica.readIndex();
    expect(Object.fromEntries(again.stateMachine.values)).toEqual({ a: '3', b: '2' });
  });
});

describe('three members', () => {
  test('a proposal to any of them is applied by all, in one order', async () => {
    const cluster = await TestCluster.create(3);
    const members = await cluster.startAll();
    await Promise.all(
      members.flatMap((member) =>
        Array.from({ length: 100 }, (_, index) => put(member, `${member.name}-${index}=${index}`)),
      ),
    );
    await Promise.all(members.map(({ running }) => running.replica.readIndex()));
    for (const { stateMachine } of members) {
      expect(stateMachine.history).toHaveLength(300);
      expect(stateMachine.history).toEqual(members[0]!.stateMachine.history);
    }
  });

  test.each([false, true])(
    'a read on a follower sees what was acknowledged before; with leases: %s',
    async (readLease) => {
      const cluster = await TestCluster.create(3, { readLease });
      await cluster.startAll();
      const follower = await cluster.follower();
      const leader = await cluster.leader();
      for (let index = 0; index < 50; index++) {
        await put(leader, `x=${index}`);
        await follower.running.replica.readIndex();
        expect(follower.stateMachine.values.get('x')).toBe(String(index));
      }
    },
  );

  test('all know the client URLs of all', async () => {
    const cluster = await TestCluster.create(3);
    const members = await cluster.startAll();
    for (const { running } of members) {
      const known = () =>
        running.replica
          .members()
          .flatMap(({ clientUrls }) => clientUrls)
          .toSorted();
      await until('client URLs', () => known().length === 3);
      expect(known()).toEqual(['http://m1:2379', 'http://m2:2379', 'http://m3:2379']);
    }
  });

  test('clients of the others see no error when the leader goes, and nothing happens twice', async () => {
    const cluster = await TestCluster.create(3);
    await cluster.startAll();
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    const answers: Promise<unknown>[] = [];
    let stopped: Promise<void> | null = null;
    for (let index = 0; index < 400; index++) {
      answers.push(put(follower, `k${index}=${index}`));
      if (index === 200) stopped = cluster.stop(leader.name);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all([...answers, stopped]);
    await follower.running.replica.readIndex();
    expect(follower.stateMachine.history).toHaveLength(400);
    expect(new Set(follower.stateMachine.history).size).toBe(400);
  });

  test('a burst that no queue between members holds is applied whole', async () => {
    const cluster = await TestCluster.create(3, { heartbeatIntervalMs: 100, electionTimeoutMs: 2_000 });
    await cluster.startAll();
    const follower = await cluster.follower();
    const value = 'v'.repeat(500_000);
    await Promise.all(Array.from({ length: 24 }, (_, index) => put(follower, `k${index}=${value}`)));
    expect(follower.stateMachine.values.size).toBe(24);
  });

  test('without a majority a proposal waits, and is answered when the majority is back', async () => {
    const cluster = await TestCluster.create(3);
    await cluster.startAll();
    const survivor = await cluster.follower();
    for (const name of ['m1', 'm2', 'm3']) if (name !== survivor.name) await cluster.stop(name);
    const answer = put(survivor, 'late=1');
    const read = survivor.running.replica.readIndex();
    await until('no leader', () => survivor.running.replica.status().leader === null);
    await cluster.start(survivor.name === 'm1' ? 'm2' : 'm1');
    await answer;
    await read;
    expect(survivor.stateMachine.values.get('late')).toBe('1');
  });

  test('a member that was away for longer than the log reaches back gets the state', async () => {
    const cluster = await TestCluster.create(3, { snapshotCount: 50, snapshotCatchUpEntries: 20 });
    await cluster.startAll();
    const away = await cluster.follower();
    await put(away, 'before=1');
    await cluster.stop(away.name);
    const leader = await cluster.leader();
    const value = 'v'.repeat(2_000);
    for (let group = 0; group < 20; group++)
      await Promise.all(Array.from({ length: 50 }, (_, index) => put(leader, `g${group}-${index}=${value}`)));
    const back = await cluster.start(away.name);
    await back.running.replica.readIndex();
    expect(back.stateMachine.values.size).toBe(1_001);
    expect(back.stateMachine.history.length).toBeLessThan(1_000);
    await put(back, 'after=1');
    await cluster.stop(back.name);
    const again = await cluster.start(back.name);
    await again.running.replica.readIndex();
    expect(again.stateMachine.values.size).toBe(1_002);
  });

  test('a member of another cluster is refused and changes nothing', async () => {
    const cluster = await TestCluster.create(3);
    await cluster.start('m1');
    await cluster.start('m2');
    const stranger = await cluster.start('m3', { clusterToken: 'other' });
    const leader = await cluster.leader();
    await put(leader, 'a=1');
    expect(leader.name).not.toBe('m3');
    expect(stranger.running.replica.status()).toMatchObject({ leader: null, commit: 0 });
  });
});

test('stopping refuses whoever waits', async () => {
  const cluster = await TestCluster.create(3);
  const member = await cluster.start('m1');
  const refused = Promise.allSettled([put(member, 'a=1'), member.running.replica.readIndex()]);
  await cluster.stop('m1');
  expect(await refused).toMatchObject([{ reason: { code: 'stopped' } }, { reason: { code: 'stopped' } }]);
  await expect(put(member, 'a=1')).rejects.toMatchObject({ code: 'stopped' });
});
