import { logIndex } from '@raftsman/raft';
import type { Configuration, MemberId, RaftStatus } from '@raftsman/raft';
import type { SimulatedDisk } from './disk.js';

/** Judges from outside of the core what is on which disk. It counts majorities in its own, simple way. */

interface Copy {
  readonly id: MemberId;
  readonly disk: SimulatedDisk;
}

/** The newest commit that a leader made known, and by whose count. */
interface Commit {
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
}

const isMajority = (some: readonly MemberId[], voters: readonly MemberId[]): boolean =>
  voters.filter((voter) => some.includes(voter)).length * 2 > voters.length;

const isQuorum = (some: readonly MemberId[], { voters, outgoing }: Configuration): boolean =>
  isMajority(some, voters) && (outgoing.length === 0 || isMajority(some, outgoing));

/**
 * - A committed entry is on the disks of a majority, of both sides of a joint configuration.
 * - Whatever majority survives can go on: somebody in it has the state, and what that one lacks stands in the log of a witness in it.
 */
export class Durability {
  readonly #copies: readonly Copy[];
  #commit: Commit | null = null;
  /** Up to here leaders told witnesses to begin their logs for want of what came before: the price of `bounded` logs. */
  #sacrificed = 0;

  /** Of the committed entries. */
  readonly #terms: number[] = [];

  constructor(copies: readonly Copy[]) {
    this.#copies = copies;
  }

  /** Answers what is wrong. */
  committed({ commit, configuration, term: leaderTerm }: RaftStatus, view: readonly number[]): string | null {
    if (this.#commit !== null && commit <= this.#commit.index) return null;
    // What a leader has not written yet is of its own term.
    for (let index = this.#terms.length; index <= commit; index += 1)
      this.#terms[index] = view[index] ?? leaderTerm;
    const term = this.#terms[commit] ?? leaderTerm;
    this.#commit = { index: commit, term, configuration };
    const holders = this.#copies
      .filter(({ disk: { log } }) => log.compactedIndex >= commit || log.termAt(commit) === term)
      .map(({ id }) => id);
    if (!isQuorum(holders, configuration)) {
      return `entry ${commit} is committed and only on the disks of ${holders.join(', ') || 'nobody'}`;
    }
    return this.irrecoverable();
  }

  sacrificed(index: number): void {
    this.#sacrificed = Math.max(this.#sacrificed, index);
  }

  /** Answers which majority could not bring anybody up to the newest commit. */
  irrecoverable(): string | null {
    const commit = this.#commit;
    if (commit === null || commit.configuration.witnesses.length === 0) return null;
    const { voters, outgoing } = commit.configuration;
    const all = this.#copies.filter(({ id }) => voters.includes(id) || outgoing.includes(id));
    for (let mask = 1; mask < 1 << all.length; mask += 1) {
      const some = all.filter((_copy, at) => (mask >> at) % 2 === 1);
      const ids = some.map(({ id }) => id);
      if (!isQuorum(ids, commit.configuration) || this.#recovers(some, commit)) continue;
      return `${ids.join(' and ')} alone cannot bring back entry ${commit.index}`;
    }
    return null;
  }

  #recovers(some: readonly Copy[], { index, term, configuration: { witnesses } }: Commit): boolean {
    const tails = some.filter(
      ({ id, disk: { log } }) => witnesses.includes(id) && log.termAt(logIndex(index)) === term,
    );
    return some.some(({ id, disk }) => {
      if (witnesses.includes(id)) return false;
      const held = this.#heldPrefix(disk, index);
      return (
        held >= index || held < this.#sacrificed || tails.some((tail) => tail.disk.log.compactedIndex <= held)
      );
    });
  }

  /** How much of what is committed stands on this disk. */
  #heldPrefix({ log }: SimulatedDisk, index: number): number {
    let held = Math.min(log.lastIndex, index);
    while (held > log.compactedIndex && log.termAt(logIndex(held)) !== this.#terms[held]) held -= 1;
    return held;
  }
}
