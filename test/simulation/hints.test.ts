import { describe, expect, it } from 'vitest';
import { SimulatedCluster } from './cluster.js';
import { crash } from './crash.js';
import { fixedMembers, planOf } from './plan.js';
import type { SimulatedMember as Member } from './member.js';
import type { Plan } from './plan.js';
import { Random } from './random.js';
import { simulate } from './simulate.js';

/**
 * What `reportUnreachable` is for: a dead leader is replaced at once, and a false alarm disturbs nobody. And `reportReachable`: whoever was
 * missing for a majority is asked as soon as it is there.
 */

const calm: Partial<Plan> = {
  ...fixedMembers,
  leases: false,
  pauseEveryMs: 0,
  memberCount: 3,
  preVote: true,
  checkQuorum: true,
  heartbeatTicks: 1,
  faultsForMs: 2000,
  messageLoss: 0,
  messageDuplication: 0,
  messageDelayMsMax: 2,
  messageLatenessMsMax: 0,
  diskSyncMsMax: 5,
  crashEveryMs: 0,
  restartAfterMsMax: 100_000,
  partitionEveryMs: 0,
  falseAlarmEveryMs: 0,
  transferEveryMs: 0,
  newLeaderDies: 0,
  leaderDiesAtCommit: 0,
};

const calmCluster = (seed: number, crashNoticed: number): SimulatedCluster => {
  const random = new Random(seed);
  return new SimulatedCluster({ ...planOf(random), ...calm, crashNoticed }, random, {});
};

function untilLeader({ timeline, members }: SimulatedCluster): number {
  const beganMs = timeline.nowMs;
  while (!members.some((member) => member.isLeader) && timeline.nowMs < 10_000)
    timeline.runUntil(timeline.nowMs + 1);
  return timeline.nowMs - beganMs;
}

/** Virtual time from the return of one of two dead members to a leader, of each seed; shortest first. */
function returnsMs(noticed: boolean): number[] {
  const gaps: number[] = [];
  for (let seed = 1; seed <= 100; seed += 1) {
    const cluster = calmCluster(seed, 0);
    const { timeline, members } = cluster;
    timeline.runUntil(1000);
    const [back, gone, stays] = cluster.random.shuffled(members) as [Member, Member, Member];
    for (const member of [back, gone]) member.crash();
    timeline.runUntil(2000);
    back.start();
    if (noticed) for (const member of [back, stays]) member.act((raft) => raft.reportReachable());
    gaps.push(untilLeader(cluster));
  }
  return gaps.toSorted((left, right) => left - right);
}

/** Virtual time from the leader's death to the next leader, of each seed; shortest first. */
function gapsMs(crashNoticed: number): number[] {
  const gaps: number[] = [];
  for (let seed = 1; seed <= 100; seed += 1) {
    const cluster = calmCluster(seed, crashNoticed);
    const { timeline, members } = cluster;
    timeline.runUntil(1000);
    const leader = members.find((member) => member.isLeader);
    if (leader === undefined) throw new Error(`seed ${seed}: no leader after a calm second`);
    crash(cluster, leader);
    gaps.push(untilLeader(cluster));
  }
  return gaps.toSorted((left, right) => left - right);
}

describe('a hint that a member is there', () => {
  it('makes it a majority within a few ticks, instead of an election timeout', () => {
    const noticed = returnsMs(true);
    const unnoticed = returnsMs(false);
    console.info(
      `median ${noticed[50]} ms, p95 ${noticed[95]} ms, worst ${noticed[99]} ms; without the hint ${unnoticed[50]}, ${unnoticed[95]} and ${unnoticed[99]} ms`,
    );
    expect(noticed[95]).toBeLessThan(60);
    expect(unnoticed[50]).toBeGreaterThan(60);
  });
});

describe('a hint that the leader is gone', () => {
  it('when right, shortens the gap from over an election timeout (100 ms) to a few ticks (10 ms each)', () => {
    const noticed = gapsMs(1);
    const unnoticed = gapsMs(0);
    console.info(
      `median gap ${noticed[50]} ms, p95 ${noticed[95]} ms, worst ${noticed[99]} ms; without the hint ${unnoticed[50]}, ${unnoticed[95]} and ${unnoticed[99]} ms`,
    );
    expect(noticed[50]).toBeLessThan(50);
    expect(unnoticed[50]).toBeGreaterThan(100);
  });

  it('when wrong, costs no election: a majority still hears the leader', () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const run = simulate(seed, {}, { ...calm, memberCount: 5, falseAlarmEveryMs: 100 });
      expect(run.falseAlarms).toBeGreaterThan(5);
      expect(run, `seed ${seed}`).toMatchObject({ elections: 1, violation: null });
    }
  });
});
