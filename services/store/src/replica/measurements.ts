import { exponentialBounds, Histogram } from '@raftsman/telemetry';

/** What consensus has done on this member since its start: plain numbers, for who asks. */
export interface ReplicaMeasurements {
  /** Of clients of this member. */
  readonly proposalsPending: number;
  readonly proposalsFailed: number;
  readonly readIndexesFailed: number;
  /** Rounds of reads that had to be asked again. */
  readonly slowReadIndexes: number;
  /** Applications of some entries that took longer than storeLimits.slowApplyMs. */
  readonly slowApplies: number;
  /** Ticks of a leader that came so late that its heartbeats did. */
  readonly lateHeartbeats: number;
  readonly snapshotsInProgress: number;
  readonly logBytesWritten: number;
  /** Groups of log entries, each with its sync, in seconds. */
  readonly logSyncSeconds: Histogram;
}

/** From 1 ms to 8 s, as etcd's. */
export const createLogSyncHistogram = (): Histogram => new Histogram(exponentialBounds(0.001, 2, 14));
