import { JournalError, fromLevelError } from '../errors.js';
import { journalLimits } from '../limits.js';
import { readAll, type Batch, type Database } from './database.js';
import { batchKey, batchKeysEnd, batchKeysStart, batchNumber } from './keys.js';
import { seal, unseal } from './sealed.js';

/**
 * Writes batches one after the other, each synced before the next begins: LevelDB syncs only its newest write-ahead file, so that after a
 * power failure a batch that was not synced may be missing although a later one is there.
 *
 * Each batch brings a mark with its number. LevelDB drops a damaged part of its write-ahead file without a word and goes on after it; a
 * number that is missing among the last ones gives that away. Older batches are in sorted tables, which LevelDB does not skip.
 */
export class BatchWriter {
  readonly #database: Database;
  /** Of the last batch. */
  #number: number;
  #isWriting = false;
  #turn: Promise<void> = Promise.resolve();

  private constructor(database: Database, number: number) {
    this.#database = database;
    this.#number = number;
  }

  /** Rejects with JournalError `corrupt`. */
  static async open(database: Database): Promise<BatchWriter> {
    let last: number | null = null;
    for await (const chunk of readAll(database, { gte: batchKeysStart, lt: batchKeysEnd }))
      for (const [key, record] of chunk) {
        unseal('a batch mark', key, record);
        const number = batchNumber(key);
        if (last !== null && number !== last + 1)
          throw new JournalError('corrupt', `rows of batch ${last + 1} are missing`);
        last = number;
      }
    return new BatchWriter(database, last ?? 0);
  }

  /** How many are on the disk; null: one more is on its way there. */
  get written(): number | null {
    return this.#isWriting ? null : this.#number;
  }

  /**
   * `fill` is asked for the batch when its turn has come; null: there is nothing to write. Resolves when the batch is on the disk. Rejects
   * with JournalError `io`, or what `fill` rejects with.
   */
  write(fill: () => Promise<Batch | null> | Batch | null): Promise<void> {
    const result = this.#turn.then(async () => {
      const batch = await fill();
      if (batch === null) return;
      this.#number += 1;
      const key = batchKey(this.#number);
      batch.put(key, seal(key, new Uint8Array()));
      const outlived = this.#number - journalLimits.batchMarksKept;
      if (outlived > 0) batch.del(batchKey(outlived));
      this.#isWriting = true;
      try {
        await batch.write({ sync: true });
      } catch (error) {
        throw fromLevelError(this.#database.location, error);
      }
      this.#isWriting = false;
    });
    this.#turn = result.catch(() => undefined); // The caller has it.
    return result;
  }
}
