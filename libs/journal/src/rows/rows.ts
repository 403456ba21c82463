import { readAll, type Database, type DatabaseSnapshot } from './database.js';
import { keyOfRow, rowKey, rowKeysStart } from './keys.js';
import { decodeRow } from './sealed.js';

/** A row of the state machine, as it is on disk. */
export interface StateRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The rows of one generation in key order, verified; those after `after`, which need not be there. Rejects with JournalError `corrupt`. */
export async function* readRows(
  database: Database,
  generation: number,
  snapshot?: DatabaseSnapshot,
  after: Uint8Array | null = null,
): AsyncGenerator<StateRow> {
  const lt = rowKeysStart(generation + 1);
  const range =
    after === null ? { gte: rowKeysStart(generation), lt } : { gt: rowKey(generation, after), lt };
  for await (const chunk of readAll(database, snapshot === undefined ? range : { ...range, snapshot }))
    for (const [key, value] of chunk) yield { key: keyOfRow(key), value: decodeRow(key, value) };
}

/** All rows of one generation, as `readRows` gives them, many at a time: an asynchronous step for each would cost more than the row. */
export async function* readRowBatches(
  database: Database,
  generation: number,
): AsyncGenerator<readonly StateRow[]> {
  const range = { gte: rowKeysStart(generation), lt: rowKeysStart(generation + 1) };
  for await (const chunk of readAll(database, range))
    yield chunk.map(([key, value]) => ({ key: keyOfRow(key), value: decodeRow(key, value) }));
}
