import { readAll, type Database, type DatabaseSnapshot } from './database.js';
import { keyOfRow, rowKeysStart } from './keys.js';
import { decodeRow } from './sealed.js';

/** A row of the state machine, as it is on disk. */
export interface StateRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The rows of one generation in key order, verified. Rejects with JournalError `corrupt`. */
export async function* readRows(
  database: Database,
  generation: number,
  snapshot?: DatabaseSnapshot,
): AsyncGenerator<StateRow> {
  const range = { gte: rowKeysStart(generation), lt: rowKeysStart(generation + 1) };
  for await (const chunk of readAll(database, snapshot === undefined ? range : { ...range, snapshot }))
    for (const [key, value] of chunk) yield { key: keyOfRow(key), value: decodeRow(key, value) };
}
