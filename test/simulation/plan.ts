import type { Rules } from '../../libs/raft/src/rules.js';
import type { Random } from './random.js';

/** How bad the world of one seed is. Durations are virtual milliseconds. */
export interface Plan {
  /** Voters at the start. */
  readonly memberCount: number;
  /** How many of them are witnesses. */
  readonly witnessCount: number;
  /** Others that may join, one after the other. */
  readonly spareCount: number;
  /** Mean between changes of the configuration; 0: never. */
  readonly changeEveryMs: number;
  /** Who keeps data does not compact what a witness may still be asked for. */
  readonly holdsForWitnesses: boolean;
  /** When all is healed, this many voters that keep data are gone for good. */
  readonly dataVotersLost: number;
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  readonly tickMs: number;
  /** Leaders read under leases. */
  readonly leases: boolean;
  /** That a member promises anything. */
  readonly promises: number;
  /** By how much clocks are too fast, or too slow, or not: a share. */
  readonly clockDrift: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly appendBytesMax: number;
  readonly inflightAppendsMax: number;
  readonly uncommittedBytesMax: number;
  readonly committedBytesMax: number;

  readonly faultsForMs: number;
  readonly messageLoss: number;
  readonly messageDuplication: number;
  readonly messageDelayMsMax: number;
  /** Some messages are late by up to this: they arrive after their successors. */
  readonly messageLatenessMsMax: number;
  readonly diskSyncMsMax: number;
  /** Means between faults; 0: never. */
  readonly crashEveryMs: number;
  readonly restartAfterMsMax: number;
  readonly partitionEveryMs: number;
  readonly partitionForMsMax: number;
  readonly falseAlarmEveryMs: number;
  readonly transferEveryMs: number;
  /** A process stands still, and does then what came meanwhile. */
  readonly pauseEveryMs: number;
  readonly pauseForMsMax: number;
  /** That a leader dies soon after it has won, half of the time unheard: its first entries reach nobody or few. */
  readonly newLeaderDies: number;
  /** That a leader dies when its first commit is applied: nobody else knows of it yet (figure 3.7). */
  readonly leaderDiesAtCommit: number;
  /** That a broken connection is noticed when a member dies. */
  readonly crashNoticed: number;

  /** When one member's disk is replaced by an empty one; 0: never. Once: a second loss may take what only two had. */
  readonly diskLostAtMs: number;

  readonly proposalEveryMs: number;
  readonly readEveryMs: number;
  /** Entries applied between two compactions. */
  readonly compactEvery: number;
  readonly compactKeeps: number;
}

export function planOf(random: Random): Plan {
  const weather = weatherOf(random);
  const plan = { ...weather, ...membershipOf(random, weather.memberCount) };
  return random.chance(0.1) ? { ...plan, ...storm } : plan;
}

/** Voters that all keep data, and stay. */
export const fixedMembers = {
  witnessCount: 0,
  spareCount: 0,
  changeEveryMs: 0,
  holdsForWitnesses: true,
  dataVotersLost: 0,
} as const satisfies Partial<Plan>;

/** Of ten worlds six keep their voters, two change them, one has witnesses, and one both. */
function membershipOf(random: Random, memberCount: number): Pick<Plan, keyof typeof fixedMembers> {
  const kind = random.below(10);
  const changes = { spareCount: 6, changeEveryMs: random.pick([60, 150, 300]) };
  const witnessCount = memberCount === 5 ? random.between(1, 2) : 1;
  if (kind < 6) return fixedMembers;
  if (kind < 8) return { ...fixedMembers, ...changes };
  const holdsForWitnesses = random.chance(0.8);
  if (kind === 8) {
    const dataVotersLost = holdsForWitnesses && random.chance(0.5) ? Math.floor((memberCount - 1) / 2) : 0;
    return { ...fixedMembers, witnessCount, holdsForWitnesses, dataVotersLost };
  }
  return { ...fixedMembers, ...changes, witnessCount, holdsForWitnesses };
}

function weatherOf(random: Random): Omit<Plan, keyof typeof fixedMembers> {
  const calm = random.chance(0.1);
  return {
    memberCount: random.chance(0.35) ? 5 : 3,
    preVote: random.chance(0.8),
    checkQuorum: random.chance(0.8),
    tickMs: 10,
    leases: random.chance(0.4),
    promises: random.pick([0.5, 1, 1]),
    clockDrift: 0.045,
    electionTicks: 10,
    heartbeatTicks: random.between(1, 3),
    appendBytesMax: random.pick([1, 100, 200, 1000]),
    inflightAppendsMax: random.pick([1, 2, 4, 16]),
    uncommittedBytesMax: random.pick([200, 2000]),
    committedBytesMax: random.pick([1, 100, 10_000]),
    faultsForMs: random.between(700, 1800),
    messageLoss: calm ? 0 : random.pick([0, 0.01, 0.05, 0.2]),
    messageDuplication: random.pick([0, 0.02, 0.1]),
    messageDelayMsMax: random.pick([2, 8, 25]),
    messageLatenessMsMax: random.pick([0, 100, 500]),
    diskSyncMsMax: random.pick([1, 5, 30, 120]),
    crashEveryMs: calm ? 0 : random.pick([0, 150, 400, 900]),
    restartAfterMsMax: random.pick([5, 50, 200, 800]),
    partitionEveryMs: calm ? 0 : random.pick([0, 200, 500]),
    partitionForMsMax: random.pick([100, 400, 900]),
    falseAlarmEveryMs: random.pick([0, 100, 400]),
    transferEveryMs: random.pick([0, 0, 300]),
    pauseEveryMs: calm ? 0 : random.pick([0, 0, 300]),
    pauseForMsMax: random.pick([50, 400]),
    newLeaderDies: calm ? 0 : random.pick([0, 0, 0.4, 0.8]),
    leaderDiesAtCommit: calm ? 0 : random.pick([0, 0, 0.3, 0.8]),
    crashNoticed: random.pick([0, 0.5, 1]),
    diskLostAtMs: 0,
    proposalEveryMs: random.pick([10, 25, 80]),
    readEveryMs: random.pick([15, 50]),
    compactEvery: random.pick([5, 20, 1000]),
    compactKeeps: random.pick([0, 3]),
  };
}

/**
 * Leaders die young, and often unheard, while entries travel one by one: the weather of figure 3.7 and of votes asked for twice.
 * One seed in ten has it.
 */
export const storm = {
  messageDelayMsMax: 25,
  messageLoss: 0.05,
  diskSyncMsMax: 5,
  appendBytesMax: 1,
  inflightAppendsMax: 1,
  crashEveryMs: 150,
  restartAfterMsMax: 50,
  newLeaderDies: 0.8,
  leaderDiesAtCommit: 0.8,
} as const satisfies Partial<Plan>;

/** A bug planted on purpose: see mutations.test.ts. */
export interface Mutation {
  readonly rules?: Partial<Rules>;
  /** The disk gives the hard state back without the vote. */
  readonly forgetsVote?: boolean;
  /** The host sends promises before the write that makes them true. */
  readonly promisesBeforePersist?: boolean;
  /**
   * A member that lost its disk comes back as if it had none before, always or if a majority of the others was never sent anything by it; in the
   * term of the others; in a term that they know; or asks only one of them.
   */
  readonly comesBack?: 'blank' | 'unknown-to-majority' | 'voting' | 'in-known-term' | 'asking-one';
  /** A witness forgets all that is committed. */
  readonly witnessForgets?: boolean;
  /** Leases run on counted ticks, which stand still with the process. */
  readonly countsTicks?: boolean;
  /** Leaves the finding to the oracles outside of the core. */
  readonly skipsInvariants?: boolean;
}
