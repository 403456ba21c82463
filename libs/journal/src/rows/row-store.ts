import { strict as assert } from 'node:assert';
import type { Configuration, LogIndex, Term } from '@raftsman/raft';
import { fromLevelError, JournalError } from '../errors.js';
import { journalLimits } from '../limits.js';
import type { StateRecord } from '../records.js';
import { BatchWriter } from './batches.js';
import { compactAll, newBatch, type Batch, type Database } from './database.js';
import { allRowKeysEnd, allRowKeysStart, rowGeneration, rowKeysStart, stateKey } from './keys.js';
import { readRowBatches, type StateRow } from './rows.js';
import { decodeState, deleteRow, encodeState, putRow } from './sealed.js';
import { createStaging, type Staging } from './staging.js';
import { openStateView, type StateView } from './state-view.js';

/** What applying up to `index` changed. Rows with a null value go. */
export interface AppliedChange {
  readonly index: LogIndex;
  readonly term: Term;
  readonly configuration: Configuration;
  readonly rows: readonly { readonly key: Uint8Array; readonly value: Uint8Array | null }[];
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
  #waiting: Batch;
  #waitingState: StateRecord | null = null;
  #waitingBytes = 0;
  /** What waits ends in the middle of a change: it must not be written before the rest is there. */
  #isMidway = false;
  /** The last one that was recorded, be it waiting, being written or on disk. */
  #recorded: StateRecord;
  #isWritingWhatWaits = false;
  #refusedAtMs = -Infinity;
  #staging: Staging | null = null;
  #clearing: Promise<void> = Promise.resolve();

  private constructor(
    database: Database,
    batches: BatchWriter,
    state: StateRecord,
    lastGeneration: number,
    options: RowStoreOptions,
  ) {
    this.#database = database;
    this.#batches = batches;
    this.#state = state;
    this.#recorded = state;
    this.#lastGeneration = lastGeneration;
    this.#options = options;
    this.#waiting = newBatch(database);
  }

  /** Rejects with JournalError. */
  static async open(database: Database, options: RowStoreOptions): Promise<RowStore> {
    const batches = await BatchWriter.open(database);
    const record = await database.get(stateKey);
    if (record === undefined) throw new JournalError('corrupt', 'the state mark is missing');
    const state = decodeState(stateKey, record);
    let lastGeneration = state.generation;
    const last = { gte: allRowKeysStart, lt: allRowKeysEnd, reverse: true, limit: 1 };
    for await (const key of database.keys(last))
      lastGeneration = Math.max(lastGeneration, rowGeneration(key));
    return new RowStore(database, batches, state, lastGeneration, options);
  }

  /** Where the rows on disk stand. */
  get state(): StateRecord {
    return this.#state;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
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
    if (this.#waitingBytes >= this.#options.batchBytes) this.writeSoon();
  }

  /** The first rows of a change that `record` completes; until then nothing is written. */
  recordSome(rows: AppliedChange['rows']): void {
    const { generation } = this.#state;
    this.#isMidway = true;
    for (const { key, value } of rows)
      this.#waitingBytes +=
        value === null
          ? deleteRow(this.#waiting, generation, key)
          : putRow(this.#waiting, generation, key, value);
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
      if (this.#isMidway) return null;
      state = this.#waitingState;
      const batch = this.#takeWaiting();
      return state === null ? null : batch.put(stateKey, encodeState(stateKey, state));
    });
    if (state !== null) this.#state = state;
  }

  /** From here on the staged rows are not deleted any more, and what waits is of a state that is replaced. */
  beginInstall(generation: number): void {
    assert(generation > this.#state.generation, 'a snapshot is staged beside the present rows');
    this.#installing = generation;
    this.#takeWaiting().clear();
  }

  /** Resolves when the rows of a staged snapshot have taken the place of the present ones, also after a power failure. */
  async install(state: StateRecord): Promise<void> {
    assert(state.index > this.#state.index, 'a snapshot moves the state forward');
    await this.#batches.write(() => newBatch(this.#database).put(stateKey, encodeState(stateKey, state)));
    this.#state = state;
    this.#recorded = state;
    this.#lastGeneration = Math.max(this.#lastGeneration, state.generation);
    this.#clearing = this.#clearing
      .then(() => this.#clearBefore(state.generation))
      .catch(this.#options.onError);
  }

  /** Deletes a half-received snapshot, and what there was before the last received one. */
  async deleteLeftovers(): Promise<void> {
    const { generation } = this.#state;
    await this.#clearBefore(generation);
    await this.#database.clear({ gte: rowKeysStart(generation + 1), lt: allRowKeysEnd });
  }

  /** The rows on disk, in key order. */
  rowBatches(): AsyncGenerator<readonly StateRow[]> {
    return readRowBatches(this.#database, this.#state.generation);
  }

  openView(): Promise<StateView> {
    return openStateView(this.#database);
  }

  /** Rejects with JournalError. */
  async compactAll(): Promise<void> {
    await this.#requireRoom();
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
    await this.#clearing;
    this.#takeWaiting().clear();
    await this.#database.close();
  }

  /** Only deletions of what the state mark disowned: they need no sync. */
  #clearBefore(generation: number): Promise<void> {
    return this.#database.clear({ gte: allRowKeysStart, lt: rowKeysStart(generation) });
  }

  async #requireRoom(): Promise<void> {
    if (!(await this.#options.hasRoom()))
      throw new JournalError('full', `${this.#database.location}: there is no room on the disk for that`);
  }

  #takeWaiting(): Batch {
    const batch = this.#waiting;
    this.#waiting = newBatch(this.#database);
    this.#waitingState = null;
    this.#waitingBytes = 0;
    this.#isMidway = false;
    return batch;
  }
}
