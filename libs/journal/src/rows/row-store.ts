import { strict as assert } from 'node:assert';
import type { Configuration, LogIndex, Term } from '@raftsman/raft';
import { fromLevelError, JournalError } from '../errors.js';
import { journalLimits } from '../limits.js';
import type { StateRecord } from '../records.js';
import { BatchWriter } from './batches.js';
import { compactAll, newBatch, type Database } from './database.js';
import { clearAfter, clearBefore, lastGeneration } from './generations.js';
import { stateKey } from './keys.js';
import { PackTable } from './pack-table.js';
import { repack } from './repack.js';
import { lastKeyOf, readRowBatches, type RowSource, type StateRow } from './rows.js';
import { decodeState, encodeState } from './sealed.js';
import { createStaging, type Staging } from './staging.js';
import { openStateView, type StateView } from './state-view.js';
import { WaitingRows, type ChangedRow } from './waiting-rows.js';

/** What applying up to `index` changed. */
export interface AppliedChange {
  readonly index: LogIndex;
  readonly term: Term;
  readonly configuration: Configuration;
  readonly rows: readonly ChangedRow[];
}

export interface RowStoreOptions {
  readonly batchBytes: number;
  /** Whether there is room on the disk for a batch and what LevelDB makes of it. */
  readonly hasRoom: () => Promise<boolean>;
  /** A write that nobody awaits failed. */
  readonly onError: (error: unknown) => void;
}

/** The state machine's rows in LevelDB. They wait in memory until a batch of them is worth a write; a restart takes them from the log. */
export class RowStore {
  readonly #database: Database;
  readonly #batches: BatchWriter;
  readonly #options: RowStoreOptions;
  /** On disk. */
  #state: StateRecord;
  #lastGeneration: number;
  #installing = 0;
  readonly #waiting: WaitingRows;
  #waitingState: StateRecord | null = null;
  /** null: nobody has looked at what there is yet. */
  #table: PackTable | null = null;
  /** What waits ends in the middle of a change: it must not be written before the rest is there. */
  #isMidway = false;
  /** The last one that was recorded, be it waiting, being written or on disk. */
  #recorded: StateRecord;
  #isWritingWhatWaits = false;
  #refusedAtMs = -Infinity;
  #staging: Staging | null = null;
  #clearing: Promise<void> = Promise.resolve();
  #tidying: Promise<void> | null = null;
  #isClosing = false;

  private constructor(
    database: Database,
    batches: BatchWriter,
    from: {
      readonly state: StateRecord;
      readonly lastGeneration: number;
      readonly lastKey: Uint8Array;
    },
    options: RowStoreOptions,
  ) {
    this.#database = database;
    this.#batches = batches;
    this.#state = from.state;
    this.#recorded = from.state;
    this.#lastGeneration = from.lastGeneration;
    this.#options = options;
    this.#waiting = new WaitingRows(database, from.state.generation, from.lastKey);
  }

  /** Rejects with JournalError. */
  static async open(database: Database, options: RowStoreOptions): Promise<RowStore> {
    const batches = await BatchWriter.open(database);
    const record = await database.get(stateKey);
    if (record === undefined) throw new JournalError('corrupt', 'the state mark is missing');
    const state = decodeState(stateKey, record);
    const from = {
      state,
      lastGeneration: Math.max(state.generation, await lastGeneration(database)),
      lastKey: await lastKeyOf({ database, generation: state.generation }),
    };
    return new RowStore(database, batches, from, options);
  }

  /** Where the rows on disk stand. */
  get state(): StateRecord {
    return this.#state;
  }

  get waitingBytes(): number {
    return this.#waiting.bytes;
  }

  /** Of committed entries that are in the log on disk. */
  record(change: AppliedChange): void {
    assert(change.index > this.#recorded.index, 'entries are applied in order');
    this.recordSome(change.rows);
    this.#isMidway = false;
    const { generation } = this.#state;
    const { index, term, configuration } = change;
    this.#waitingState = { generation, index, term, configuration };
    this.#recorded = this.#waitingState;
    if (this.#waiting.bytes >= this.#options.batchBytes) this.writeSoon();
  }

  /** The first rows of a change that `record` completes; until then nothing is written. */
  recordSome(rows: readonly ChangedRow[]): void {
    this.#isMidway = true;
    this.#waiting.add(rows);
  }

  /** Writes what waits, without being waited for. */
  writeSoon(): void {
    if (this.#isWritingWhatWaits || this.#waitingState === null) return;
    if (performance.now() - this.#refusedAtMs < journalLimits.roomRetryMs) return;
    this.#isWritingWhatWaits = true;
    this.flush()
      .catch(this.#options.onError)
      .finally(() => (this.#isWritingWhatWaits = false));
  }

  /** Resolves when what waits is on the disk; if there is no room for it, or it is not whole yet, it goes on waiting. Rejects with JournalError. */
  async flush(): Promise<void> {
    let state: StateRecord | null = null;
    await this.#batches.write(async () => {
      if (this.#waitingState === null) return null;
      if (!(await this.#options.hasRoom())) {
        this.#refusedAtMs = performance.now();
        return null;
      }
      if (this.#waiting.needsTable) await this.#knowPacks();
      if (this.#isMidway) return null;
      state = this.#waitingState;
      this.#waitingState = null;
      const batch = this.#waiting.take(this.#table);
      return state === null ? null : batch.put(stateKey, encodeState(stateKey, state));
    });
    if (state !== null) this.#state = state;
    this.#tidySoon();
  }

  /** From here on the staged rows are not deleted any more, and what waits is of a state that is replaced. */
  beginInstall(generation: number): void {
    assert(generation > this.#state.generation, 'a snapshot is staged beside the present rows');
    this.#installing = generation;
    this.#dropWaiting();
  }

  /** Resolves when the rows of a staged snapshot have taken the place of the present ones, also after a power failure. */
  async install(state: StateRecord): Promise<void> {
    assert(state.index > this.#state.index, 'a snapshot moves the state forward');
    await this.#batches.write(() => newBatch(this.#database).put(stateKey, encodeState(stateKey, state)));
    this.#state = state;
    this.#table = null;
    this.#waiting.begin(state.generation, await lastKeyOf(this.#source));
    this.#recorded = state;
    this.#lastGeneration = Math.max(this.#lastGeneration, state.generation);
    this.#clearing = this.#clearing
      .then(() => clearBefore(this.#database, state.generation))
      .catch(this.#options.onError);
  }

  /** Deletes a half-received snapshot, and what there was before the last received one. */
  async deleteLeftovers(): Promise<void> {
    const { generation } = this.#state;
    await clearBefore(this.#database, generation);
    await clearAfter(this.#database, generation);
  }

  /** The rows on disk, in key order. Who reads them to the end has looked at all packs. */
  async *rowBatches(): AsyncGenerator<readonly StateRow[]> {
    const source = this.#source;
    const table = new PackTable();
    const { written } = this.#batches;
    yield* readRowBatches(source, { onPack: (pack, worn) => table.add(pack, worn) });
    if (written !== null && written === this.#batches.written) this.#table ??= table;
  }

  openView(): Promise<StateView> {
    return openStateView(this.#database);
  }

  /** Rejects with JournalError. */
  async compactAll(): Promise<void> {
    await this.#requireRoom();
    if (this.#table === null) await this.#batches.write(() => this.#knowPacks());
    while (await this.#repackSome(true));
    try {
      await compactAll(this.#database);
    } catch (error) {
      throw fromLevelError(this.#database.location, error);
    }
  }

  async stage(): Promise<Staging> {
    await this.#staging?.abort();
    await this.#clearing;
    // Never one that was used: the rows of an aborted one are deleted without a sync, and a power failure may bring them back.
    const generation = ++this.#lastGeneration;
    const parts = {
      database: this.#database,
      batches: this.#batches,
      requireRoom: () => this.#requireRoom(),
      isInstalled: () => Math.max(this.#state.generation, this.#installing) >= generation,
    };
    this.#staging = await createStaging(parts, generation);
    return this.#staging;
  }

  /** What waits is not written. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#tidying;
    await this.#clearing;
    this.#dropWaiting();
    await this.#database.close();
  }

  async #requireRoom(): Promise<void> {
    if (!(await this.#options.hasRoom()))
      throw new JournalError('full', `${this.#database.location}: there is no room on the disk for that`);
  }

  get #source(): RowSource {
    return { database: this.#database, generation: this.#state.generation };
  }

  /** In turn with the batches. */
  async #knowPacks(): Promise<null> {
    if (this.#table !== null) return null;
    const table = new PackTable();
    const options = { onPack: table.add.bind(table) };
    for await (const rows of readRowBatches(this.#source, options)) void rows;
    this.#table = table;
    return null;
  }

  /** Writes packs anew of which half is worn, without being waited for. */
  #tidySoon(): void {
    if (this.#tidying !== null || (this.#table?.worn(1).length ?? 0) === 0) return;
    const tidy = async (): Promise<void> => {
      while (!this.#isClosing && (await this.#repackSome(false)));
    };
    this.#tidying = tidy()
      .catch(this.#options.onError)
      .finally(() => (this.#tidying = null));
  }

  /** `all`: also packs that are only a little worn. Answers whether there may be more. */
  async #repackSome(all: boolean): Promise<boolean> {
    let isDone = true;
    await this.#batches.write(async () => {
      const table = this.#table;
      if (table === null || !(await this.#options.hasRoom())) return null;
      const worn = table.worn(journalLimits.repackedMax, all);
      if (worn.length === 0) return null;
      const { batch, by } = await repack(this.#source, worn);
      table.replace(worn, by);
      isDone = false;
      return batch;
    });
    return !isDone;
  }

  #dropWaiting(): void {
    this.#waiting.clear();
    this.#waitingState = null;
    this.#isMidway = false;
  }
}
