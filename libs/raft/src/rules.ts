import { leaseMarginShare } from './limits.js';
import type { Configuration } from './types.js';

/**
 * The decisions that Raft's safety hangs on, each one function. They are parameters so that the simulation can plant a
 * wrong one and show that its oracles notice; the package exports no way to replace them.
 */

/** The last entry of a log. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

export interface Rules {
  /** §3.6.2: replicas are counted only for entries of the leader's own term; earlier ones commit with them. */
  countsForCommit(entryTerm: number, currentTerm: number): boolean;
  /** §3.6.1: a voter refuses a candidate whose log is behind its own. */
  isUpToDate(candidate: LogPosition, own: LogPosition): boolean;
  /** §3.5: entries that the log holds already are kept, even when the append ends before the log does. */
  firstConflict<E extends LogPosition>(
    entries: readonly E[],
    termAt: (index: number) => number | undefined,
  ): number;
  /** §6.4: `confirmed` is the newest round of heartbeats that a majority answered. */
  readIsConfirmed(round: number, confirmed: number): boolean;
  /** §6.4: a leader knows the commit index only once an entry of its own term is committed. */
  knowsCommit(committedTerm: number | undefined, currentTerm: number): boolean;
  /** §10.2.1: of its own log a leader counts what is durable, not what it has appended. */
  ownMatch(durableIndex: number, lastIndex: number): number;
  /** §4.1, §4.3: which voters a member counts: those of the configuration in force, of both sides. */
  counted(configuration: Configuration): Configuration;
  /** §4.3: C_new is appended when C_old,new is committed; `heldByNew`: the least that a new voter holds, where that matters. */
  leavesJoint(jointIndex: number, commit: number, heldByNew: number): boolean;
  /** What a witness may forget: `matches` are of all voters that keep data. */
  heldByAll(matches: readonly number[], applied: number): number;
  /** Where a witness' log begins that is not sent what came before. */
  witnessStart(heldByAll: number, compactedIndex: number, applied: number): number;
  /** Of a promise, by whichever clock, the share that a leader relies on. */
  leaseMs(promiseMs: number): number;
  mayUseLease(handedOver: boolean): boolean;
  promiseAfterRestart(promiseMs: number): number;
  keepsPromise(isRunning: boolean): boolean;
  /** §3.4: one vote per term. */
  mayVote(vote: number | null, candidate: number, leader: number | null): boolean;
}

export const thesisRules: Rules = {
  countsForCommit: (entryTerm, currentTerm) => entryTerm === currentTerm,
  isUpToDate: (candidate, own) =>
    candidate.term > own.term || (candidate.term === own.term && candidate.index >= own.index),
  firstConflict: (entries, termAt) => entries.findIndex((entry) => termAt(entry.index) !== entry.term),
  readIsConfirmed: (round, confirmed) => round <= confirmed,
  knowsCommit: (committedTerm, currentTerm) => committedTerm === currentTerm,
  ownMatch: (durableIndex) => durableIndex,
  counted: (configuration) => configuration,
  leavesJoint: (jointIndex, commit, heldByNew) => jointIndex <= commit && jointIndex <= heldByNew,
  heldByAll: (matches, applied) => Math.min(applied, ...matches),
  witnessStart: (heldByAll, compactedIndex) => Math.max(heldByAll, compactedIndex),
  leaseMs: (promiseMs) => Math.floor(promiseMs * (1 - leaseMarginShare)),
  mayUseLease: (handedOver) => !handedOver,
  promiseAfterRestart: (promiseMs) => promiseMs,
  keepsPromise: (isRunning) => isRunning,
  mayVote: (vote, candidate, leader) => vote === candidate || (vote === null && leader === null),
};
