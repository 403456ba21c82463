import { describe, expect, test } from 'vitest';
import { LostDataError } from '../src/errors.js';
import { storeLimits } from '../src/limits.js';
import type { ReplicaOptions } from '../src/replica/index.js';
import { TestCluster, type TestMember } from './replica-fixture.js';
import { until } from '../../../test/support/until.js';

const put = (member: TestMember, text: string): Promise<unknown> =>
  member.running.replica.propose(Buffer.from(text));

async function putMany(member: TestMember, prefix: string): Promise<void> {
  await Promise.all(Array.from({ length: 50 }, (_, index) => put(member, `${prefix}${index}=${index}`)));
}

describe('a member that lost its data', { timeout: 120_000 }, () => {
  test('is told so by those who know it and ends; the others go on, after a restart as well', async () => {
    const cluster = await TestCluster.create(3);
    const [m1, , m3] = await cluster.startAll();
    await put(m1!, 'a=1');
    await m3!.running.replica.readIndex();
    await cluster.stop('m3');
    await cluster.loseData('m3');
    for (let round = 0; round < 2; round += 1) {
      const blank = await cluster.start('m3');
      await expect(blank.running.failed).rejects.toThrow(LostDataError);
      await cluster.stop('m3');
      await cluster.loseData('m3');
      await put(cluster.running.get('m1')!, 'b=2');
      if (round > 0) break;
      await cluster.stop('m1');
      await cluster.stop('m2');
      await Promise.all([cluster.start('m1'), cluster.start('m2')]);
    }
  });

  test('does not make a leader of one that lacks what it had acknowledged', async () => {
    const cluster = await TestCluster.create(3);
    await cluster.startAll();
    await put(await cluster.leader(), 'before=1');
    await cluster.stop('m2');
    await put(await cluster.leader(), 'acknowledged=by m1 and m3');
    await cluster.stop('m1');
    await cluster.stop('m3');
    await cluster.loseData('m3');
    const blank = await cluster.start('m3');
    await cluster.start('m2');
    await expect(blank.running.failed).rejects.toThrow(LostDataError);
    await cluster.start('m1');
    const leader = await cluster.leader();
    await leader.running.replica.readIndex();
    expect(leader.stateMachine.values.get('acknowledged')).toBe('by m1 and m3');
  });

  test('is rebuilt when all others answer, and counts again when it has caught up', async () => {
    const cluster = await TestCluster.create(3);
    const [m1] = await cluster.startAll();
    await putMany(m1!, 'a');
    await cluster.stop('m2');
    await cluster.stop('m3');
    await cluster.loseData('m3');
    let rebuilt: TestMember | null = null;
    const rebuilding = cluster.start('m3', { initialState: 'existing' }).then((member) => (rebuilt = member));
    // One of the others is away: it may be the one that knows.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(rebuilt).toBeNull();
    await cluster.start('m2');
    const m3 = await rebuilding;
    await putMany(cluster.running.get('m1')!, 'b');
    await m3.running.replica.readIndex();
    expect(m3.stateMachine.values.size).toBe(100);
    // It is a voter like any other: it restarts, and elects a leader with one of the others.
    await cluster.stop('m3');
    const again = await cluster.start('m3');
    await again.running.replica.readIndex();
    await cluster.stop('m1');
    await putMany(again, 'c');
    expect(again.stateMachine.values.size).toBe(150);
  });

  test('is not taken for a new one by a majority that never met it', async () => {
    const cluster = await TestCluster.create(5);
    // Of all that it calls, m3 reaches m1 alone.
    const targetsOf: ReplicaOptions['targetsOf'] = ([peerUrl]) => {
      const target = peerUrl === cluster.peerUrl('m1') ? new URL(peerUrl).host : '127.0.0.1:1';
      return [{ target, security: 'insecure' }];
    };
    await Promise.all([cluster.start('m1'), cluster.start('m2'), cluster.start('m3', { targetsOf })]);
    const leader = await cluster.leader();
    expect(leader.name).toBe('m1');
    await put(leader, 'acknowledged=by m1, m2 and m3');
    for (const name of ['m1', 'm2', 'm3']) await cluster.stop(name);
    await cluster.loseData('m3');
    await Promise.all(['m2', 'm4', 'm5'].map((name) => cluster.start(name)));
    let isBack = false;
    const back = cluster.start('m3', { initialState: 'existing' }).then(() => (isBack = true));
    await new Promise((resolve) => setTimeout(resolve, 2 * storeLimits.rebuildRetryMs));
    expect(isBack).toBe(false);
    await cluster.start('m1');
    await back;
    const m3 = cluster.running.get('m3')!;
    await m3.running.replica.readIndex();
    expect(m3.stateMachine.values.get('acknowledged')).toBe('by m1, m2 and m3');
  });

  test('goes on asking in its next life', async () => {
    const cluster = await TestCluster.create(3);
    const [m1] = await cluster.startAll();
    await put(m1!, 'a=1');
    await cluster.stop('m3');
    await cluster.loseData('m3');
    await cluster.stop('m2');
    const ended = new AbortController();
    const asking = cluster.start('m3', { initialState: 'existing', signal: ended.signal });
    await new Promise((resolve) => setTimeout(resolve, 300));
    ended.abort();
    await expect(asking).rejects.toThrow(/abort/);
    await cluster.start('m2');
    const m3 = await cluster.start('m3');
    await m3.running.replica.readIndex();
    expect(m3.stateMachine.values.get('a')).toBe('1');
    expect(m3.running.replica.status().term).toBeGreaterThan(1);
  });
});

describe('a first start', () => {
  test('may come late: the others lead and have committed without it', async () => {
    const cluster = await TestCluster.create(3);
    await cluster.start('m1');
    await cluster.start('m2');
    await putMany(await cluster.leader(), 'a');
    // Those who lead without it have been started again meanwhile.
    await cluster.stop('m1');
    await cluster.start('m1');
    const late = await cluster.start('m3');
    await late.running.replica.readIndex();
    expect(late.stateMachine.values.size).toBe(50);
    await cluster.stop('m1');
    await putMany(late, 'b');
    await until('all', () => late.stateMachine.values.size === 100);
  });
});
