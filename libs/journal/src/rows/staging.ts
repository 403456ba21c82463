import { strict as assert } from 'node:assert';
import type { SnapshotMeta } from '@raftsman/raft';
import { journalLimits } from '../limits.js';
import type { BatchWriter } from './batches.js';
import type { Database } from './database.js';
import { clearGeneration } from './generations.js';
import { PackTable } from './pack-table.js';
import type { StateRow } from './rows.js';
import { WaitingRows } from './waiting-rows.js';

/** A snapshot that lies whole and synced beside the present rows, and takes effect when a WriteGroup installs it. */
export interface StagedSnapshot {
  readonly generation: number;
  readonly meta: SnapshotMeta;
}

/** Takes in the rows of a snapshot. Whoever awaits each `add` gives the sender back-pressure. */
export interface Staging {
  /** Rejects with JournalError `io` or `full`, or if it was aborted. */
  add(rows: readonly StateRow[]): Promise<void>;
  finish(meta: SnapshotMeta): Promise<StagedSnapshot>;
  /** Deletes what was staged, also after `finish`; does nothing once it is installed. */
  abort(): Promise<void>;
}

export interface StagingParts {
  readonly database: Database;
  readonly batches: BatchWriter;
  /** Rejects with JournalError `full`. */
  readonly requireRoom: () => Promise<void>;
  readonly isInstalled: () => boolean;
}

export async function createStaging(parts: StagingParts, generation: number): Promise<Staging> {
  const { database, batches, requireRoom, isInstalled } = parts;
  let phase: 'open' | 'finished' | 'aborted' = 'open';
  const table = new PackTable();
  const waiting = new WaitingRows(database, generation, new Uint8Array());
  const writeOut = async (): Promise<void> => {
    const batch = waiting.take(table);
    await batches.write(async () => {
      await requireRoom();
      return batch;
    });
  };
  await clearGeneration(database, generation);
  return {
    async add(rows) {
      assert(phase === 'open', 'rows come before the end');
      waiting.add(rows);
      if (waiting.bytes >= journalLimits.stagingBatchBytesMax) await writeOut();
    },
    async finish(meta) {
      assert(phase === 'open', 'a snapshot ends once');
      phase = 'finished';
      await writeOut();
      return { generation, meta };
    },
    async abort() {
      if (phase === 'aborted' || isInstalled()) return;
      phase = 'aborted';
      waiting.clear();
      await clearGeneration(database, generation);
    },
  };
}
