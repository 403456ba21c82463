import type { Entry, LogIndex, MemberId, RaftStatus, ReadState, SnapshotMeta } from '@raftsman/raft';
import type { Durability } from './durability.js';

export type Property =
  | 'election safety'
  | 'log matching'
  | 'leader completeness'
  | 'state-machine safety'
  | 'durability'
  | 'linearizable reads'
  | 'core invariants'
  | 'liveness';

/** A promise of Raft's (figure 3.2), or one of ours, is broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly property: Property;

  constructor(property: Property, what: string) {
    super(`${property}: ${what}`);
    this.property = property;
  }
}

interface KnownEntry {
  readonly data: Uint8Array;
  readonly termBefore: number;
}

const entryKey = (index: number, term: number): number => term * 0x10_0000 + index;

/** The terms of a member's log, durable or not, by index. */
export type LogView = number[];

/**
 * Stands outside of the members and remembers all that ever happened. Each check costs a constant per entry or event:
 *
 * - election safety: one leader for each term, ever.
 * - log matching: an index and term name one entry, and the term before it, wherever they appear; by induction equal logs.
 * - state-machine safety: the first entry that any member applies at an index is the one that all apply.
 * - leader completeness: a new leader's log holds the newest entry applied anywhere; log matching covers those before.
 * - durability: what a leader commits is on the disks of majorities, and every majority can bring it back: see durability.ts.
 * - linearizable reads: a read's index is not below what any member had applied when the read was asked for.
 */
export class Oracle {
  readonly #leaders = new Map<number, MemberId>();
  readonly #known = new Map<number, KnownEntry>();
  readonly #history: Entry[] = [];
  readonly #readFloors = new Map<number, number>();
  readonly #durability: Durability | null;
  /** By data, what was applied: the acknowledged proposals. */
  readonly applied = new Set<Uint8Array>();

  /** null: disks are lost, so that what is applied may have been on a majority and be gone. */
  constructor(durability: Durability | null) {
    this.#durability = durability;
  }

  /** The newest index applied by any member. */
  get committed(): number {
    return this.#history.length;
  }

  get elections(): number {
    return this.#leaders.size;
  }

  becameLeader({ id, term }: RaftStatus): void {
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== id) {
      throw new Violation('election safety', `${other} and ${id} both lead term ${term}`);
    }
    this.#leaders.set(term, id);
  }

  /** All of the leader's log is in `view` by now. */
  checkLeaderLog({ id, term }: RaftStatus, view: LogView): void {
    const newest = this.#history.at(-1);
    if (newest === undefined || newest.term >= term || view[newest.index] === newest.term) return;
    throw new Violation(
      'leader completeness',
      `${id} leads term ${term}, its entry ${newest.index} is of term ${view[newest.index]}, committed was term ${newest.term}`,
    );
  }

  appended(member: MemberId, entries: readonly Entry[], view: LogView): void {
    for (const { index, term, data } of entries) {
      const termBefore = view[index - 1] ?? 0;
      view.length = index;
      view[index] = term;
      const key = entryKey(index, term);
      const known = this.#known.get(key);
      if (known === undefined) {
        this.#known.set(key, { data, termBefore });
      } else if (known.data !== data || known.termBefore !== termBefore) {
        throw new Violation(
          'log matching',
          `${member}'s entry ${index} of term ${term} follows term ${termBefore}, elsewhere ${known.termBefore}`,
        );
      }
    }
  }

  restored(member: MemberId, meta: SnapshotMeta, view: LogView): void {
    const committed = this.#history[meta.index - 1];
    if (committed === undefined || committed.term !== meta.term) {
      throw new Violation('state-machine safety', `${member} restored ${meta.index} of term ${meta.term}`);
    }
    view.length = 0;
    for (const entry of this.#history.slice(0, meta.index)) view[entry.index] = entry.term;
  }

  appliedBy(member: MemberId, entry: Entry): void {
    const known = this.#history[entry.index - 1];
    if (known === undefined) {
      if (entry.index !== this.#history.length + 1) {
        throw new Violation('state-machine safety', `${member} applied ${entry.index} after a gap`);
      }
      this.#history.push(entry);
      this.applied.add(entry.data);
    } else if (known.term !== entry.term || known.data !== entry.data) {
      throw new Violation(
        'state-machine safety',
        `${member} applied ${entry.index} of term ${entry.term}, others one of term ${known.term}`,
      );
    }
  }

  committedByLeader(status: RaftStatus, view: LogView): void {
    this.#checkDurability(this.#durability?.committed(status, view));
  }

  /** A witness dropped part of its log. */
  witnessForgot(): void {
    this.#checkDurability(this.#durability?.irrecoverable());
  }

  #checkDurability(wrong: string | null | undefined): void {
    if (typeof wrong === 'string') throw new Violation('durability', wrong);
  }

  readAsked(requestId: number): void {
    this.#readFloors.set(requestId, this.committed);
  }

  readAnswered(member: MemberId, { requestId, index }: ReadState): void {
    const floor = this.#readFloors.get(requestId);
    if (floor === undefined) {
      throw new Violation('linearizable reads', `${member} answers ${requestId}, which nobody asked`);
    }
    if (index < floor) {
      throw new Violation('linearizable reads', `${member} reads at ${index}, acknowledged was ${floor}`);
    }
  }

  /** Of the entries that any member applied. */
  termAt(index: LogIndex): number | undefined {
    return this.#history[index - 1]?.term;
  }
}
