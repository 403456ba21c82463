import { strict as assert } from 'node:assert';
import type { Configuration, Entry, HardState, LogIndex, SnapshotMeta, Term } from '@raftsman/raft';
import { compactAll, directorySizeBytes, newBatch, type Batch, type Database } from './database.js';
import { fromLevelError, type JournalError } from './errors.js';
import {
  allRowKeysStart,
  compactedKey,
  entryKey,
  hardStateKey,
  peerKey,
  rebuildKey,
  rowKeysStart,
  stateKey,
} from './keys.js';
import { journalLimits } from './limits.js';
import {
  deleteRow,
  encodeHardState,
  encodeJson,
  encodeState,
  putEntry,
  putRow,
  type CompactedRecord,
  type Identity,
  type StateRecord,
} from './records.js';
import { recover, type Claimant, type Recovered } from './recover.js';
import { readRows, type StateRow } from './rows.js';
import { SpaceWatch, type Space } from './space.js';
import { createStaging, type StagedSnapshot, type Staging } from './staging.js';
import { openStateView, type StateView } from './state-view.js';

/** One group of effects that becomes durable at once. */
export interface WriteGroup {
  /** Contiguous; the first follows the last one on disk or overwrites an uncommitted tail. */
  readonly entries: readonly Entry[];
  /** null: unchanged. */
  readonly hardState: HardState | null;
  /** A received snapshot that replaces log and rows. */
  readonly install: StagedSnapshot | null;
  /** Whether anybody will be told that this is durable; false only if nothing but the commit index moved. */
  readonly sync: boolean;
}

/** What applying up to `index` changed. Rows with a null value go. */
export interface AppliedChange {
  readonly index: LogIndex;
  readonly term: Term;
  readonly configuration: Configuration;
  readonly rows: readonly { readonly key: Uint8Array; readonly value: Uint8Array | null }[];
}

/**
 * The durable side of one member. One `write` at a time. Invariants: those of Recovered hold on disk after every write.
 *
 * A rejected `write` or `flush` is final (what the disk holds is unknown, and a later sync may lie about it): every later call rejects too,
 * and the process must end.
 */
export class Journal {
  readonly #peers: Map<number, number>;
  #recovered: Recovered;
  readonly #directory: string;
  readonly #database: Database;
  #hardState: HardState;
  #lastIndex: LogIndex;
  #compacted: CompactedRecord;
  /** On disk. */
  #state: StateRecord;
  /** Applied, and waiting for the next synced write. */
  #waiting: Batch;
  #waitingState: StateRecord | null = null;
  #waitingBytes = 0;
  #waitingCompaction: CompactedRecord | null = null;
  #writing = false;
  #failure: JournalError | null = null;
  #clearing: Promise<void> = Promise.resolve();
  #staging: Staging | null = null;
  #lastGeneration: number;
  #space!: SpaceWatch;
  #size = { bytes: 0, measuredAtMs: 0, measuring: false };

  private constructor(directory: string, database: Database, recovered: Recovered) {
    this.#directory = directory;
    this.#database = database;
    this.#waiting = newBatch(database);
    this.#recovered = recovered;
    this.#lastGeneration = recovered.lastGeneration;
    this.#peers = new Map(recovered.peers);
    this.#hardState = recovered.hardState;
    this.#compacted = recovered.compacted;
    this.#state = recovered.state;
    this.#lastIndex = recovered.entries.at(-1)?.index ?? recovered.compacted.index;
  }

  /**
   * `bootstrap`: the configuration of a new cluster. `rebuild`: an empty directory is that of a member that lost its data; then
   * `recovered.rebuild` says what is to be done. Rejects with JournalError.
   */
  static async open(
    directory: string,
    identity: Identity,
    bootstrap: Configuration,
    rebuild = false,
  ): Promise<Journal> {
    const mark = rebuild ? { until: null } : null;
    return Journal.openAs(directory, () => ({ identity, bootstrap, rebuild: mark }));
  }

  /** `claimant` says whose the directory is to be, knowing whose it is. Rejects with JournalError, or as `claimant` does. */
  static async openAs(directory: string, claimant: Claimant): Promise<Journal> {
    const { database, recovered } = await recover(directory, claimant);
    const journal = new Journal(directory, database, recovered);
    journal.#size.bytes = await directorySizeBytes(directory);
    const { lowSpaceBytes } = journalLimits;
    journal.#space = await SpaceWatch.open(directory, lowSpaceBytes, (error) => journal.#fail(error));
    return journal;
  }

  /** What was on disk when it was opened, or what `beginRebuild` made of it. */
  get recovered(): Recovered {
    return this.#recovered;
  }

  /** By which data directory another member is known; undefined: it was never met. */
  peerDataId(member: number): number | undefined {
    return this.#peers.get(member);
  }

  /** Resolves when it survives a power failure. */
  async rememberPeer(member: number, dataId: number): Promise<void> {
    const key = peerKey(member);
    await this.#commit(newBatch(this.#database).put(key, encodeJson(key, { dataId })), 'beside');
    this.#peers.set(member, dataId);
  }

  /** Somebody knows this member by another data directory: it does not only join, it lost what it had promised. */
  async mustRebuild(): Promise<void> {
    const mark = { until: null };
    await this.#commit(newBatch(this.#database).put(rebuildKey, encodeJson(rebuildKey, mark)));
    this.#recovered = { ...this.#recovered, rebuild: mark };
  }

  /** What the others said: this member takes part from `term` on, and votes once its commit index reaches `until`. Before anything else is written. */
  async beginRebuild(hardState: HardState, until: LogIndex): Promise<void> {
    assert(this.#hardState.term === 0 && this.#lastIndex === 0, 'only a member without a past is rebuilt');
    const batch = newBatch(this.#database)
      .put(rebuildKey, encodeJson(rebuildKey, { until }))
      .put(hardStateKey, encodeHardState(hardStateKey, hardState));
    await this.#commit(batch);
    this.#hardState = hardState;
    this.#recovered = { ...this.#recovered, hardState, rebuild: { until } };
  }

  /** Where the rows on disk stand. */
  get durableState(): SnapshotMeta {
    return this.#state;
  }

  /** Bytes of applied rows that wait for the next synced write. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Keeps what applying changed until the next synced write carries it. Until then a restart replays it from the log. */
  recordApplied(change: AppliedChange): void {
    const before = this.#waitingState ?? this.#state;
    assert(change.index > before.index, 'entries are applied in order');
    assert(change.index <= this.#hardState.commit, 'only committed entries are applied');
    const { generation } = this.#state;
    for (const { key, value } of change.rows)
      this.#waitingBytes +=
        value === null
          ? deleteRow(this.#waiting, generation, key)
          : putRow(this.#waiting, generation, key, value);
    const { index, term, configuration } = change;
    this.#waitingState = { generation, index, term, configuration };
  }

  /** With the next write the log starts after `to`, which the rows on disk must have reached. */
  compact(to: CompactedRecord): void {
    assert(to.index > this.#compacted.index, 'compaction moves forward');
    assert(to.index <= this.#state.index, 'the log is kept until the rows on disk cover it');
    this.#waitingCompaction = to;
  }

  /**
   * Resolves when the group, and everything before it, survives a power failure. Without `sync` (only the commit index moved) nothing is
   * written: it rides with the next group that is.
   */
  async write(group: WriteGroup): Promise<void> {
    if (!group.sync) {
      assert(group.entries.length === 0 && group.install === null, 'entries and snapshots are synced');
      this.#hardState = group.hardState ?? this.#hardState;
      assert(this.#hardState.commit <= this.#lastIndex, 'what is committed is in the log');
      return;
    }
    this.#space.refreshIfDue();
    const { install } = group;
    const state = install === null ? this.#waitingState : this.#installed(install);
    const compaction = install?.meta ?? this.#waitingCompaction;
    const batch = this.#takeWaiting();
    // The rows of the state that the snapshot replaces.
    if (install !== null) batch.clear();
    this.#putLog(batch, group);
    this.#hardState = group.hardState ?? this.#hardState;
    batch.put(hardStateKey, encodeHardState(hardStateKey, this.#hardState));
    if (state !== null) batch.put(stateKey, encodeState(stateKey, state));
    if (compaction !== null) batch.put(compactedKey, encodeJson(compactedKey, markOf(compaction)));
    await this.#commit(batch);
    if (state !== null) this.#state = state;
    if (compaction !== null) this.#clearBehind(compaction, install !== null);
  }

  /** Makes the waiting rows durable now. */
  async flush(): Promise<void> {
    if (this.#waitingState !== null || this.#waitingCompaction !== null)
      await this.write({ entries: [], hardState: null, install: null, sync: true });
  }

  /** The rows on disk, in key order; for the state machine at start and after an install. */
  rows(): AsyncGenerator<StateRow> {
    return readRows(this.#database, this.#state.generation);
  }

  /** The rows as they are on disk now, for sending; writes go on meanwhile. Close it. */
  openView(): Promise<StateView> {
    return openStateView(this.#database);
  }

  /** Takes in the rows of a snapshot beside the present ones. One at a time: a later one ends the earlier, unless that is installed. */
  async stage(): Promise<Staging> {
    await this.#staging?.abort();
    await this.#clearing;
    // Never one that was used: the rows of an aborted one are deleted without a sync, and a power failure may bring them back.
    const generation = ++this.#lastGeneration;
    this.#staging = await createStaging(
      this.#database,
      generation,
      () => this.#state.generation >= generation,
    );
    return this.#staging;
  }

  /** Merges what lies in layers and drops what was deleted; writes and reads go on. Rejects with JournalError `io`, which is not final: it writes nothing new. */
  async defragment(): Promise<void> {
    try {
      await compactAll(this.#database);
    } catch (error) {
      throw fromLevelError(this.#directory, error);
    }
  }

  /** Bytes of the data directory, at most a few seconds old. */
  sizeBytes(): number {
    const now = performance.now();
    if (!this.#size.measuring && now - this.#size.measuredAtMs > journalLimits.sizeRefreshMs) {
      this.#size.measuring = true;
      directorySizeBytes(this.#directory).then(
        (bytes) => (this.#size = { bytes, measuredAtMs: now, measuring: false }),
        (error: unknown) => this.#fail(error),
      );
    }
    return this.#size.bytes;
  }

  /** The room on the disk, at most a few seconds old while data is written. */
  space(): Space {
    return this.#space.space;
  }

  /** Writes what waits and closes; after a failure it only closes. */
  async close(): Promise<void> {
    assert(!this.#writing, 'closed between writes');
    if (this.#failure === null) await this.flush();
    await this.#clearing;
    await this.#database.close();
  }

  #installed({ meta, generation }: StagedSnapshot): StateRecord {
    assert(generation > this.#state.generation, 'a snapshot is staged beside the present rows');
    assert(meta.index > this.#state.index, 'a snapshot moves the state forward');
    return { generation, index: meta.index, term: meta.term, configuration: meta.configuration };
  }

  #putLog(batch: Batch, { entries, install, hardState }: WriteGroup): void {
    const kept = install?.meta.index ?? this.#lastIndex;
    const first = entries[0];
    assert(first === undefined || first.index <= kept + 1, 'the log has no gap');
    assert(
      first === undefined || first.index > this.#hardState.commit,
      'what is committed is never overwritten',
    );
    for (const [offset, entry] of entries.entries()) {
      assert(entry.index === first!.index + offset, 'entries are contiguous');
      putEntry(batch, entry);
    }
    const last = entries.at(-1)?.index ?? kept;
    for (let index = last + 1; index <= this.#lastIndex; index++) batch.del(entryKey(index));
    this.#lastIndex = last;
    assert((hardState ?? this.#hardState).commit <= last, 'what is committed is in the log');
  }

  #takeWaiting(): Batch {
    const batch = this.#waiting;
    this.#waiting = newBatch(this.#database);
    this.#waitingState = null;
    this.#waitingBytes = 0;
    this.#waitingCompaction = null;
    return batch;
  }

  /** `beside`: it has nothing to do with the writes of the log, and may run at the same time. */
  async #commit(batch: Batch, order: 'in order' | 'beside' = 'in order'): Promise<void> {
    assert(order === 'beside' || !this.#writing, 'one write at a time');
    if (this.#failure !== null) throw this.#failure;
    if (order === 'in order') this.#writing = true;
    try {
      await batch.write({ sync: true });
    } catch (error) {
      throw this.#fail(error);
    } finally {
      if (order === 'in order') this.#writing = false;
    }
  }

  /** What the marks on disk already disowned; recovery deletes it if this does not come to its end. */
  #clearBehind(compaction: CompactedRecord, installed: boolean): void {
    const from = this.#compacted.index;
    this.#compacted = compaction;
    const { generation } = this.#state;
    this.#clearing = this.#clearing
      .then(() => this.#database.clear({ gte: entryKey(from), lte: entryKey(compaction.index) }))
      .then(() =>
        installed ? this.#database.clear({ gte: allRowKeysStart, lt: rowKeysStart(generation) }) : undefined,
      )
      .catch((error: unknown) => void this.#fail(error));
  }

  #fail(error: unknown): JournalError {
    this.#failure ??= fromLevelError(this.#directory, error);
    return this.#failure;
  }
}

const markOf = ({ index, term }: CompactedRecord): CompactedRecord => ({ index, term });
