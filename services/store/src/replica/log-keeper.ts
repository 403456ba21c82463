import type { Journal } from '@raftsman/journal';
import { logIndex, MemoryLog, type Entry, type Raft, type SnapshotMeta } from '@raftsman/raft';
import { storeLimits } from '../limits.js';

/** The durable log's tail in memory, and when to cut it (etcd: --snapshot-count, --snapshot-catchup-entries). */
export class LogKeeper {
  readonly log: MemoryLog;
  readonly #journal: Journal;
  readonly #snapshotCount: number;
  readonly #catchUpEntries: number;
  #bytes = 0;

  constructor(
    journal: Journal,
    options: { readonly snapshotCount: number; readonly catchUpEntries: number },
  ) {
    this.#journal = journal;
    this.#snapshotCount = options.snapshotCount;
    this.#catchUpEntries = options.catchUpEntries;
    const { compacted, entries, state } = journal.recovered;
    this.log = new MemoryLog({ ...compacted, configuration: state.configuration }, entries);
    this.log.snapshotTaken(metaOf(state));
    for (const { data } of entries) this.#bytes += data.length;
  }

  /** The journal has made these durable. */
  append(entries: readonly Entry[]): void {
    this.log.append(entries);
    for (const { data } of entries) this.#bytes += data.length;
  }

  /** The journal has installed a snapshot. */
  restore(meta: SnapshotMeta): void {
    this.log.restore(meta);
    this.#bytes = 0;
  }

  /**
   * Cuts what nobody should need any more, never beyond the rows on disk. Members that need more get the state instead. Beside
   * witnesses what not all voters that keep data hold is kept, as long as it is no more than logBytesMax (docs/decisions/0011).
   */
  compactIfDue(applied: number, raft: Pick<Raft, 'status'>): void {
    const { compactedIndex } = this.log;
    const keep = this.#countToKeep(applied - compactedIndex);
    if (keep === null) return;
    const isTooMuch = this.#journal.isShortOfLog || this.#bytes > storeLimits.logBytesMax;
    const wanted = isTooMuch ? applied - keep : Math.min(applied - keep, neededByNobody(raft));
    if (wanted <= compactedIndex) return;
    const { index: durable } = this.#journal.durableState;
    if (wanted > durable) this.#journal.flushSoon();
    const target = Math.min(wanted, durable);
    if (target > compactedIndex) this.#compact(target);
  }

  /** null: nothing is to be cut. */
  #countToKeep(held: number): number | null {
    // The disk is full: what members that are behind would need is what makes room for what comes.
    if (this.#journal.isShortOfLog) return 0;
    if (held > this.#snapshotCount + this.#catchUpEntries) return this.#catchUpEntries;
    return this.#bytes > storeLimits.logBytesMax ? Math.floor(held / 2) : null;
  }

  /** On a witness: what all members with data hold nobody will ever ask it for. */
  forget(applied: number, raft: Pick<Raft, 'status'>): void {
    const wanted = Math.min(applied, raft.status().heldByAll, this.#journal.durableState.index);
    if (wanted > this.log.compactedIndex) this.#compact(wanted);
  }

  #compact(target: number): void {
    const { log } = this;
    const dropped = log.slice(
      logIndex(log.compactedIndex + 1),
      logIndex(target + 1),
      Number.MAX_SAFE_INTEGER,
    );
    for (const { data } of dropped) this.#bytes -= data.length;
    log.snapshotTaken(metaOf(this.#journal.durableState));
    log.compact(logIndex(target));
    this.#journal.compact({ index: log.compactedIndex, term: log.compactedTerm });
  }
}

const metaOf = ({ index, term, configuration }: SnapshotMeta): SnapshotMeta => ({
  index,
  term,
  configuration,
});

function neededByNobody(raft: Pick<Raft, 'status'>): number {
  const { configuration, heldByAll } = raft.status();
  return configuration.witnesses.length === 0 ? Infinity : heldByAll;
}
