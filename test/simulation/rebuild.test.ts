import { describe, expect, it } from 'vitest';
import { fixedMembers, storm } from './plan.js';
import type { Mutation, Plan } from './plan.js';
import { simulate } from './simulate.js';

/** One member's disk is replaced in the middle of everything, and it is rebuilt as services/store/src/replica/rebuild.ts does it. */

/** Five members who mostly hear of each other through a leader alone, on one side or the other of what divides them. */
const divided = {
  memberCount: 5,
  preVote: true,
  checkQuorum: true,
  leases: false,
  messageDelayMsMax: 2,
  messageLatenessMsMax: 0,
  messageLoss: 0,
  diskSyncMsMax: 1,
  proposalEveryMs: 10,
  partitionEveryMs: 60,
  partitionForMsMax: 200,
  crashEveryMs: 60,
  restartAfterMsMax: 800,
  crashNoticed: 0,
  falseAlarmEveryMs: 0,
  transferEveryMs: 0,
  pauseEveryMs: 0,
  newLeaderDies: 0,
  leaderDiesAtCommit: 0,
} as const satisfies Partial<Plan>;

const plans: readonly Partial<Plan>[] = [
  { diskLostAtMs: 400 },
  { diskLostAtMs: 600, ...storm },
  { diskLostAtMs: 300, ...storm, memberCount: 3, messageLatenessMsMax: 500 },
  { diskLostAtMs: 300, ...divided },
];

function firstViolation(seedsMax: number, mutation: Mutation): string | null {
  for (let seed = 1; seed <= seedsMax; seed += 1) {
    for (const plan of plans) {
      const { violation } = simulate(seed, mutation, { ...fixedMembers, ...plan, faultsForMs: 1_500 });
      // A bug may also stop a cluster; what is asked for is that its harm is seen.
      const isHarm = mutation.comesBack === undefined || violation?.property !== 'liveness';
      if (violation !== null && isHarm) return violation.message;
    }
  }
  return null;
}

describe('a member whose disk was replaced', { timeout: 600_000 }, () => {
  it('breaks no promise when it asks all others and waits with its vote', () => {
    expect(firstViolation(400, {})).toBeNull();
  });

  it.each([
    ['it comes back as if nothing had been', 'blank'],
    ['it begins anew because a majority never met it', 'unknown-to-majority'],
    ['it votes before it has what it may have acknowledged', 'voting'],
    ['it takes what a leader committed that it may have voted for as a sign', 'in-known-term'],
    ['it asks only one of the others', 'asking-one'],
  ] as const)('is found out when %s', (_what, comesBack) => {
    const safety = /leader completeness|state-machine safety|election safety|linearizable reads/;
    expect(firstViolation(2_000, { comesBack, skipsInvariants: true })).toMatch(safety);
  });
});
