import { strict as assert } from 'node:assert';
import { newBatch, type Batch, type Database } from './database.js';
import { fullKey, nameOf } from './keys.js';
import { PackBuilder, type Pack } from './packs.js';
import type { PackTable } from './pack-table.js';
import { putGone, putRow } from './sealed.js';

export interface ChangedRow {
  readonly key: Uint8Array;
  /** null: the row goes. */
  readonly value: Uint8Array | null;
}

/** What a row that waits by itself takes in memory beside its key and value. */
const changeBytes = 64;

/**
 * Changes of one generation's rows until they are written. A row whose key is above all others goes into a pack; every other stands by itself, also
 * for one in a pack.
 */
export class WaitingRows {
  readonly #database: Database;
  readonly #builder = new PackBuilder();
  #batch: Batch;
  #generation: number;
  /** Of all rows that there are, and of those that wait. */
  #lastKey: Uint8Array;
  #packs: Pack[] = [];
  #others = new Map<string, ChangedRow>();
  #bytes = 0;

  constructor(database: Database, generation: number, lastKey: Uint8Array) {
    this.#database = database;
    this.#generation = generation;
    this.#lastKey = lastKey;
    this.#batch = newBatch(database);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Nobody changes the rows any more. */
  add(rows: readonly ChangedRow[]): void {
    for (const row of rows) {
      const { key, value } = row;
      if (value !== null && Buffer.compare(key, this.#lastKey) > 0) this.#append(key, value);
      else this.#change(row);
    }
  }

  /** Whether `take` must know the packs there are. */
  get needsTable(): boolean {
    return this.#others.size > 0;
  }

  /** All that waits, which is from now on in the batch and in the table. `table`: null: nobody knows the packs, and nobody has to. */
  take(table: PackTable | null): Batch {
    assert(table !== null || !this.needsTable, 'what is changed may be in a pack');
    this.#putPack();
    const batch = this.#batch;
    for (const pack of this.#packs) table?.add(pack);
    for (const [name, { key, value }] of this.#others) {
      const isPacked = table!.wear(name);
      if (value !== null) putRow(batch, this.#generation, key, value);
      else {
        batch.del(fullKey('row', this.#generation, key));
        if (isPacked) putGone(batch, this.#generation, key);
      }
    }
    this.#reset();
    return batch;
  }

  /** What waits is not written. */
  clear(): void {
    this.#builder.clear();
    this.#batch.clear();
    this.#reset();
  }

  /** Goes on with the rows of another generation; nothing waits. */
  begin(generation: number, lastKey: Uint8Array): void {
    assert(this.#bytes === 0, 'what waits is of a generation');
    this.#generation = generation;
    this.#lastKey = lastKey;
  }

  #append(key: Uint8Array, value: Uint8Array): void {
    this.#lastKey = key;
    if (!PackBuilder.fits(key, value)) {
      this.#putPack();
      this.#bytes += putRow(this.#batch, this.#generation, key, value);
      return;
    }
    let added = this.#builder.add(this.#generation, key, value);
    if (added === 0) {
      this.#putPack();
      added = this.#builder.add(this.#generation, key, value);
    }
    this.#bytes += added;
  }

  #change(row: ChangedRow): void {
    this.#others.set(nameOf(row.key), row);
    this.#bytes += changeBytes + row.key.length + (row.value?.length ?? 0);
  }

  #putPack(): void {
    const pack = this.#builder.put(this.#batch);
    if (pack !== null) this.#packs.push(pack);
  }

  #reset(): void {
    this.#batch = newBatch(this.#database);
    this.#packs = [];
    this.#others = new Map();
    this.#bytes = 0;
  }
}
