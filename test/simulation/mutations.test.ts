import { describe, expect, it } from 'vitest';
import type { Property } from './oracle.js';
import { fixedMembers, storm } from './plan.js';
import type { Mutation, Plan } from './plan.js';
import { simulate } from './simulate.js';

/**
 * The simulation can fail: each of Raft's rules, broken on purpose, is found out. The core's own invariants are not asked, so that
 * what finds the bug stands outside of it; and the same seed without the bug is clean.
 */

interface PlantedBug {
  readonly name: string;
  readonly mutation: Mutation;
  readonly breaks: readonly Property[];
  /** Several times what it took when this was written. */
  readonly seedsMax: number;
  readonly plan?: Partial<Plan>;
}

/** The members change all the time. */
const restless = { spareCount: 8, changeEveryMs: 60, crashEveryMs: 150, partitionEveryMs: 200 } as const;
const witnessed = { memberCount: 3, witnessCount: 1, crashEveryMs: 150, partitionEveryMs: 200 } as const;

const leased = {
  ...fixedMembers,
  memberCount: 3,
  leases: true,
  promises: 1,
  preVote: true,
  checkQuorum: false,
  partitionEveryMs: 300,
  partitionForMsMax: 1500,
  proposalEveryMs: 10,
  readEveryMs: 5,
} as const;
/** Leaders are cut off and believe for long, and the others know at once that they are gone. */
const stranded = {
  ...leased,
  electionTicks: 50,
  falseAlarmEveryMs: 15,
  messageDelayMsMax: 2,
  diskSyncMsMax: 1,
  crashEveryMs: 0,
  pauseEveryMs: 0,
  transferEveryMs: 0,
  newLeaderDies: 0,
  leaderDiesAtCommit: 0,
  faultsForMs: 4000,
} as const;

const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'an entry of an earlier term is committed by counting (§3.6.2, figure 3.7)',
    mutation: { rules: { countsForCommit: () => true } },
    breaks: ['leader completeness', 'state-machine safety'],
    seedsMax: 2000,
    plan: { ...storm, memberCount: 5 },
  },
  {
    name: 'the vote is forgotten on restart (figure 3.1)',
    mutation: { forgetsVote: true },
    breaks: ['election safety'],
    seedsMax: 2000,
    plan: storm,
  },
  {
    name: 'a member votes twice in a term (§3.4)',
    mutation: { rules: { mayVote: () => true } },
    breaks: ['election safety'],
    seedsMax: 100,
  },
  {
    name: 'a vote goes to a log that is behind (§3.6.1)',
    mutation: { rules: { isUpToDate: () => true } },
    breaks: ['leader completeness', 'state-machine safety'],
    seedsMax: 200,
  },
  {
    name: 'an append is acknowledged before it is durable (figure 3.1)',
    mutation: { promisesBeforePersist: true },
    breaks: ['durability', 'leader completeness'],
    seedsMax: 20,
  },
  {
    name: 'the leader counts itself before its entries are durable (§10.2.1)',
    mutation: { rules: { ownMatch: (_durableIndex, lastIndex) => lastIndex } },
    breaks: ['durability'],
    seedsMax: 200,
  },
  {
    name: 'a late append cuts off what follows it (§3.5)',
    mutation: { rules: { firstConflict: (entries) => (entries.length > 0 ? 0 : -1) } },
    breaks: ['durability', 'leader completeness'],
    seedsMax: 100,
  },
  {
    name: 'a read is served without confirming leadership (§6.4)',
    mutation: { rules: { readIsConfirmed: () => true } },
    breaks: ['linearizable reads'],
    seedsMax: 2000,
  },
  {
    name: 'a new leader serves reads before an entry of its own term is committed (§6.4)',
    mutation: { rules: { knowsCommit: () => true } },
    breaks: ['linearizable reads'],
    seedsMax: 200,
  },
  {
    name: 'of a joint configuration only the new voters are counted (§4.3)',
    mutation: { rules: { counted: (configuration) => ({ ...configuration, outgoing: [] }) } },
    breaks: ['durability', 'leader completeness', 'election safety', 'state-machine safety'],
    seedsMax: 2000,
    plan: restless,
  },
  {
    name: 'a joint configuration is left before it is committed (§4.3)',
    mutation: { rules: { leavesJoint: () => true } },
    breaks: ['durability', 'leader completeness', 'election safety', 'state-machine safety'],
    seedsMax: 3000,
    plan: restless,
  },
  {
    name: 'a learner is counted like a voter (§4.2.1)',
    mutation: {
      rules: {
        counted: (configuration) => {
          const { voters, learners } = configuration;
          return { ...configuration, voters: [...voters, ...learners] };
        },
      },
    },
    breaks: ['durability', 'leader completeness', 'election safety', 'state-machine safety'],
    seedsMax: 200,
    plan: restless,
  },
  {
    name: 'a witness forgets what a voter that keeps data still lacks',
    mutation: { witnessForgets: true },
    breaks: ['durability'],
    seedsMax: 100,
    plan: witnessed,
  },
  {
    name: 'a leader tells witnesses to forget what is only committed',
    mutation: { rules: { heldByAll: (_matches, applied) => applied } },
    breaks: ['durability'],
    seedsMax: 100,
    plan: witnessed,
  },
  {
    name: 'the log of a witness begins behind what a voter that keeps data holds',
    mutation: { rules: { witnessStart: (_heldByAll, _compactedIndex, applied) => applied } },
    breaks: ['durability'],
    seedsMax: 3000,
    plan: { ...restless, ...witnessed },
  },
  {
    name: 'a lease lasts as long as the promise, by a clock that is slower (§6.4.1)',
    mutation: { rules: { leaseMs: (promiseMs) => promiseMs } },
    breaks: ['linearizable reads'],
    seedsMax: 3000,
    plan: { ...stranded, electionTicks: 100, readEveryMs: 2 },
  },
  {
    name: 'a lease runs on ticks, which stand still with the process',
    mutation: { countsTicks: true },
    breaks: ['linearizable reads'],
    seedsMax: 200,
    plan: { ...leased, pauseEveryMs: 150, pauseForMsMax: 400 },
  },
  {
    name: 'a lease survives a transfer',
    mutation: { rules: { mayUseLease: () => true } },
    breaks: ['linearizable reads'],
    seedsMax: 3000,
    plan: { ...leased, transferEveryMs: 60, messageLatenessMsMax: 500 },
  },
  {
    name: 'a promise is forgotten on restart',
    mutation: { rules: { promiseAfterRestart: () => 0 } },
    breaks: ['linearizable reads'],
    seedsMax: 3000,
    plan: { ...stranded, promises: 0.5, crashEveryMs: 120, restartAfterMsMax: 5 },
  },
  {
    name: 'a promise is broken with the connection',
    mutation: { rules: { keepsPromise: () => false } },
    breaks: ['linearizable reads'],
    seedsMax: 500,
    plan: stranded,
  },
];

describe('a bug planted on purpose is found', () => {
  it.each(plantedBugs.map((bug) => [bug.name, bug] as const))('%s', { timeout: 300_000 }, (_name, bug) => {
    const { mutation, breaks, seedsMax, plan } = bug;
    let seed = 1;
    let violation = null;
    for (; seed <= seedsMax && violation === null; seed += 1) {
      const found = simulate(seed, { ...mutation, skipsInvariants: true }, plan).violation;
      // A bug may also stop a cluster; what is asked for is that its harm is seen.
      if (found?.property !== 'liveness') violation = found;
    }
    expect(violation, `not found in ${seedsMax} seeds`).not.toBeNull();
    expect(breaks).toContain(violation?.property);
    expect(simulate(seed - 1, {}, plan).violation, 'the same seed without the bug').toBeNull();
    console.info(`seed ${seed - 1}: ${violation?.message}`);
  });
});
