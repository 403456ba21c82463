import { strict as assert } from 'node:assert';
import type { SnapshotMeta } from '@raftsman/raft';
import type { Database } from './database.js';
import { fromLevelError } from '../errors.js';
import { stateKey } from './keys.js';
import { decodeState } from './sealed.js';
import { readRows, type StateRow } from './rows.js';

/** The state as it was on disk at one moment, whatever is written meanwhile. LevelDB keeps what it needs until it is closed. */
export interface StateView {
  readonly meta: SnapshotMeta;
  /** In key order; all, or those after a key. */
  rows(after?: Uint8Array | null): AsyncGenerator<StateRow>;
  close(): Promise<void>;
}

/** Rejects with JournalError. */
export async function openStateView(database: Database): Promise<StateView> {
  const snapshot = database.snapshot();
  try {
    const record = await database.get(stateKey, { snapshot });
    assert(record !== undefined, 'a data directory that was claimed has a state mark');
    const { generation, index, term, configuration } = decodeState(stateKey, record);
    return {
      meta: { index, term, configuration },
      rows: (after) => readRows({ database, generation, snapshot }, after),
      close: () => snapshot.close(),
    };
  } catch (error) {
    await snapshot.close();
    throw fromLevelError(database.location, error);
  }
}
