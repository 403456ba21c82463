import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { fromLevelError } from '../errors.js';
import { syncDirectory } from '../files.js';
import { journalLimits } from '../limits.js';

export type Database = Level<Uint8Array, Uint8Array>;
export type DatabaseSnapshot = ReturnType<Database['snapshot']>;

/**
 * Operations that take effect at once. Gathered in LevelDB's own form as they come: an array of them costs LevelDB's JavaScript wrapper
 * ten times as much.
 */
export type Batch = ReturnType<typeof newBatch>;
export const newBatch = (database: Database) => database.batch();

/** Key and value. */
export type DatabaseRecord = readonly [Uint8Array, Uint8Array];

export interface KeyRange {
  readonly gte?: Uint8Array;
  readonly gt?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly lte?: Uint8Array;
  readonly snapshot?: DatabaseSnapshot;
}

/** Rejects with JournalError `locked`, `corrupt` or `io`. `owner`: the data directory, for messages. */
export async function openDatabase(directory: string, owner: string): Promise<Database> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await syncDirectory(owner);
    const database: Database = new Level(directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      writeBufferSize: journalLimits.writeBufferBytes,
      cacheSize: journalLimits.cacheBytes,
    });
    await database.open();
    return database;
  } catch (error) {
    throw fromLevelError(owner, error);
  }
}

/** The records of a range in key order, in chunks that are bounded by bytes and count. The next one is read while one is looked at. */
export async function* readAll(
  database: Database,
  range: KeyRange,
): AsyncGenerator<readonly DatabaseRecord[]> {
  const iterator = database.iterator({
    ...range,
    fillCache: false,
    highWaterMarkBytes: journalLimits.readChunkBytesMax,
  });
  const read = () => {
    const chunk = iterator.nextv(journalLimits.readChunkCountMax);
    chunk.catch(() => undefined); // Whoever awaits it has it; nobody may.
    return chunk;
  };
  try {
    let next = read();
    for (;;) {
      const chunk = await next;
      if (chunk.length === 0) return;
      next = read();
      yield chunk;
    }
  } catch (error) {
    throw fromLevelError(database.location, error);
  } finally {
    await iterator.close();
  }
}

/** The bytes of all files; files that LevelDB deletes meanwhile count as nothing. */
export async function directorySizeBytes(directory: string): Promise<number> {
  let total = 0;
  for (const name of await readdir(directory)) {
    try {
      total += (await stat(join(directory, name))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return total;
}

/** What classic-level adds for Node; the types of `level` leave it out, because browsers have none. */
interface CompactsRanges {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>;
}

/** On a thread of the pool; writes and reads go on. */
export function compactAll(database: Database): Promise<void> {
  return (database as unknown as CompactsRanges).compactRange(Uint8Array.of(0), Uint8Array.of(0xff));
}
