import type { MemberId, Message } from '@raftsman/raft';
import type { Oracle } from './oracle.js';
import type { Mutation, Plan } from './plan.js';
import type { Random } from './random.js';
import type { Timeline } from './timeline.js';

/** What happened in a run, to show that it was worth running. */
export interface Counts {
  proposals: number;
  reads: number;
  crashes: number;
  partitions: number;
  snapshots: number;
  falseAlarms: number;
  transfers: number;
  pauses: number;
  /** Answered at once, without a round. */
  leasedReads: number;
  changes: number;
  witnessSnapshots: number;
  messages: number;
}

export const noCounts = (): Counts => ({
  proposals: 0,
  reads: 0,
  crashes: 0,
  partitions: 0,
  snapshots: 0,
  falseAlarms: 0,
  transfers: 0,
  pauses: 0,
  leasedReads: 0,
  changes: 0,
  witnessSnapshots: 0,
  messages: 0,
});

/** What a member sees of its surroundings. */
export interface World {
  readonly plan: Plan;
  readonly mutation: Mutation;
  readonly random: Random;
  readonly timeline: Timeline;
  readonly oracle: Oracle;
  readonly counts: Counts;
  send(message: Message): void;
  diskSyncMs(): number;
  leaderElected(id: MemberId): void;
  /** The first commit of this leadership was applied. */
  leaderCommitted(id: MemberId): void;
}
