import { strict as assert } from 'node:assert';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration, Entry, HardState, LogIndex, SnapshotMeta } from '@raftsman/raft';
import { explain, fromFileError, isFileError, type JournalError } from './errors.js';
import { defaultSizes, journalLimits, type JournalSizes } from './limits.js';
import type { LogGroup } from './log/records.js';
import type { WriteAheadLog } from './log/write-ahead-log.js';
import type { CompactedRecord, Identity, StateRecord } from './records.js';
import { recover, type Claimant, type OpenedDirectory, type Recovered } from './recover.js';
import { directorySizeBytes } from './rows/database.js';
import type { AppliedChange, RowStore } from './rows/row-store.js';
import type { StateRow } from './rows/rows.js';
import type { StagedSnapshot, Staging } from './rows/staging.js';
import type { StateView } from './rows/state-view.js';
import { DiskSpace, type Space } from './space.js';

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

/**
 * The durable side of one member: a log in segment files, and the rows of the state machine in LevelDB. One `write` at a time. Invariants:
 * those of Recovered hold on disk after every write.
 *
 * A rejected `write` or `flush` is final (what the disk holds is unknown, and a later sync may lie about it): every later call rejects too,
 * and the process must end.
 */
export class Journal {
  #recovered: Recovered;
  readonly #directory: string;
  readonly #log: WriteAheadLog;
  readonly #rows: RowStore;
  readonly #space: DiskSpace;
  readonly #peers: Map<number, number>;
  #hardState: HardState;
  #lastIndex: LogIndex;
  #compacted: CompactedRecord;
  /** For the next synced write. */
  #waitingCompaction: CompactedRecord | null = null;
  #writing = false;
  #failure: JournalError | null = null;
  #size = { bytes: 0, measuredAtMs: 0, measuring: false };

  private constructor(directory: string, { log, rows, recovered }: OpenedDirectory, space: DiskSpace) {
    this.#directory = directory;
    this.#log = log;
    this.#rows = rows;
    this.#space = space;
    this.#recovered = recovered;
    this.#peers = new Map(recovered.peers);
    this.#hardState = recovered.hardState;
    this.#compacted = recovered.compacted;
    this.#lastIndex = recovered.entries.at(-1)?.index ?? recovered.compacted.index;
  }

  /**
   * `bootstrap`: the configuration of a new cluster. `rebuild`: an empty directory is that of a member that lost its data; then
   * `recovered.rebuild` says what is to be done. Rejects with JournalError.
   */
  static open(
    directory: string,
    identity: Identity,
    bootstrap: Configuration,
    rebuild = false,
    sizes: JournalSizes = defaultSizes,
  ): Promise<Journal> {
    const mark = rebuild ? { until: null } : null;
    return Journal.openAs(directory, () => ({ identity, bootstrap, rebuild: mark }), sizes);
  }

  /** `claimant` says whose the directory is to be, knowing whose it is. Rejects with JournalError, or as `claimant` does. */
  static async openAs(
    directory: string,
    claimant: Claimant,
    sizes: JournalSizes = defaultSizes,
  ): Promise<Journal> {
    // What fails before there is a journal, fails its opening.
    let journal: Journal | null = null;
    let early: unknown = null;
    const onError = (error: unknown): void => {
      if (journal === null) early ??= error;
      else journal.#fail(error);
    };
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const space = await DiskSpace.open(directory, sizes, onError);
      const opened = await recover({ directory, claimant, sizes, space, onError });
      journal = new Journal(directory, opened, space);
      if (early !== null) journal.#fail(early);
      journal.#size.bytes = await directorySizeBytes(join(directory, 'rows'));
      return journal;
    } catch (error) {
      throw explain(directory, isFileError(error) ? fromFileError(directory, error) : error);
    }
  }

  /** What was on disk when it was opened, or what `beginRebuild` made of it. */
  get recovered(): Recovered {
    return this.#recovered;
  }

  /** By which data directory another member is known; undefined: it was never met. */
  peerDataId(member: number): number | undefined {
    return this.#peers.get(member);
  }

  /** Resolves when it survives a power failure. May run beside a write. */
  async rememberPeer(member: number, dataId: number): Promise<void> {
    await this.#guard(() =>
      this.#log.remember((known) => ({ ...known, peers: [...new Map(known.peers).set(member, dataId)] })),
    );
    this.#peers.set(member, dataId);
  }

  /** Somebody knows this member by another data directory: it does not only join, it lost what it had promised. */
  async mustRebuild(): Promise<void> {
    const rebuild = { until: null };
    await this.#exclusively(() => this.#log.remember((known) => ({ ...known, rebuild })));
    this.#recovered = { ...this.#recovered, rebuild };
  }

  /** What the others said: this member takes part from that term on, and votes as RebuildRecord says. Before anything else is written. */
  async beginRebuild(hardState: HardState, until: LogIndex): Promise<void> {
    assert(this.#hardState.term === 0 && this.#lastIndex === 0, 'only a member without a past is rebuilt');
    const rebuild = { until, from: hardState.term };
    await this.#exclusively(() => this.#log.remember((known) => ({ ...known, rebuild }), hardState));
    this.#hardState = hardState;
    this.#recovered = { ...this.#recovered, hardState, rebuild };
  }

  /** Where the rows on disk stand. */
  get durableState(): SnapshotMeta {
    return this.#rows.state;
  }

  /** Bytes of applied rows that wait until they are worth a write. */
  get waitingBytes(): number {
    return this.#rows.waitingBytes;
  }

  /** Keeps what applying changed until it is written with others. Until then a restart replays it from the log, which holds it already. */
  recordApplied(change: AppliedChange): void {
    assert(change.index <= this.#hardState.commit, 'only committed entries are applied');
    this.#rows.record(change);
  }

  /** The first rows of a change that is too large for one turn of the event loop. Nothing is written until `recordApplied` brings the last ones. */
  recordSome(rows: AppliedChange['rows']): void {
    this.#rows.recordSome(rows);
  }

  /** Writes the rows that wait soon, so that the log can be compacted further. */
  flushSoon(): void {
    this.#rows.writeSoon();
  }

  /** With the next write the log starts after `to`, which the rows on disk must have reached. */
  compact(to: CompactedRecord): void {
    assert(to.index > this.#compacted.index, 'compaction moves forward');
    assert(to.index <= this.#rows.state.index, 'the log is kept until the rows on disk cover it');
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
    this.#checkGroup(group);
    this.#space.refreshIfDue();
    this.#hardState = group.hardState ?? this.#hardState;
    const install = group.install === null ? null : this.#installed(group.install);
    const compacted = install === null ? this.#waitingCompaction : markOf(install);
    this.#waitingCompaction = null;
    this.#lastIndex = group.entries.at(-1)?.index ?? install?.index ?? this.#lastIndex;
    const { entries } = group;
    const hardState = this.#hardState;
    await this.#exclusively(() => this.#put({ entries, hardState, install, compacted, known: null }));
    if (compacted !== null) this.#compacted = compacted;
  }

  /** Writes the waiting rows now. When the disk is full, or a change is only half recorded, they go on waiting. */
  async flush(): Promise<void> {
    await this.#guard(() => this.#rows.flush());
  }

  /** The rows on disk, in key order, many at a time; for the state machine at start and after an install. */
  async *rowBatches(): AsyncGenerator<readonly StateRow[]> {
    try {
      yield* this.#rows.rowBatches();
    } catch (error) {
      throw explain(this.#directory, error);
    }
  }

  /** The rows as they are now, for sending; writes go on meanwhile. Close it. */
  async openView(): Promise<StateView> {
    await this.flush();
    return this.#rows.openView();
  }

  /** Takes in the rows of a snapshot beside the present ones. One at a time: a later one ends the earlier, unless that is installed. */
  stage(): Promise<Staging> {
    return this.#rows.stage();
  }

  /** Merges what lies in layers and drops what was deleted; writes and reads go on. Rejects with JournalError `io` or `full`, which are not final: it writes nothing new. */
  async defragment(): Promise<void> {
    await this.flush();
    await this.#rows.compactAll();
  }

  /** Bytes of the rows, at most a few seconds old. The log beside them is bounded, whatever the state grows to. */
  sizeBytes(): number {
    const now = performance.now();
    if (!this.#size.measuring && now - this.#size.measuredAtMs > journalLimits.sizeRefreshMs) {
      this.#size.measuring = true;
      directorySizeBytes(join(this.#directory, 'rows')).then(
        (bytes) => (this.#size = { bytes, measuredAtMs: now, measuring: false }),
        (error: unknown) => this.#fail(error),
      );
    }
    return this.#size.bytes + this.#rows.waitingBytes;
  }

  /** The room on the disk, at most a few seconds old while data is written. */
  space(): Space {
    return this.#space.space;
  }

  /** The log finds no room for its next segment: compacting all that can be makes some. */
  get isShortOfLog(): boolean {
    return this.#log.isShort;
  }

  /** A write waits until there is room for the log's next segment. */
  get isWaitingForRoom(): boolean {
    return this.#log.isWaitingForRoom;
  }

  /** Bytes written to the log since it was opened. */
  get logBytesWritten(): number {
    return this.#log.writtenBytes;
  }

  /** Writes what waits and closes; after a failure it only closes. */
  async close(): Promise<void> {
    assert(!this.#writing, 'closed between writes');
    try {
      if (this.#failure === null) {
        await this.flush();
        await this.#log.close(this.#hardState);
      } else await this.#log.abandon();
    } finally {
      await this.#rows.close();
    }
  }

  #checkGroup({ entries, install, hardState }: WriteGroup): void {
    const kept = install?.meta.index ?? this.#lastIndex;
    const first = entries[0];
    assert(first === undefined || first.index <= kept + 1, 'the log has no gap');
    assert(
      first === undefined || first.index > this.#hardState.commit,
      'what is committed is never overwritten',
    );
    for (const [offset, { index }] of entries.entries())
      assert(index === first!.index + offset, 'entries are contiguous');
    const last = entries.at(-1)?.index ?? kept;
    assert((hardState ?? this.#hardState).commit <= last, 'what is committed is in the log');
  }

  /**
   * The log's record of an installed snapshot is what counts: the staged rows are on disk before it, and the rows' own mark follows it. A restart in
   * between finds the record and moves the mark.
   */
  async #put(group: LogGroup): Promise<void> {
    await this.#log.append(group);
    if (group.install !== null) await this.#rows.install(group.install);
    if (group.compacted !== null) this.#log.release();
  }

  #installed({ meta, generation }: StagedSnapshot): StateRecord {
    this.#rows.beginInstall(generation);
    return { generation, index: meta.index, term: meta.term, configuration: meta.configuration };
  }

  async #exclusively(work: () => Promise<void>): Promise<void> {
    assert(!this.#writing, 'one write at a time');
    this.#writing = true;
    try {
      await this.#guard(work);
    } finally {
      this.#writing = false;
    }
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    try {
      await work();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown): JournalError {
    this.#failure ??= fromFileError(this.#directory, error);
    return this.#failure;
  }
}

const markOf = ({ index, term }: CompactedRecord): CompactedRecord => ({ index, term });
