import { randomInt } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration, Entry, HardState } from '@raftsman/raft';
import { logIndex, term } from '@raftsman/raft';
import { JournalError } from './errors.js';
import { journalLimits, type JournalSizes } from './limits.js';
import type { LogState } from './log/replay.js';
import { WriteAheadLog, type LogOptions } from './log/write-ahead-log.js';
import type { CompactedRecord, Identity, IdentityRecord, RebuildRecord, StateRecord } from './records.js';
import { newBatch, openDatabase, readAll, type Database } from './rows/database.js';
import { identityKey, stateKey } from './rows/keys.js';
import { RowStore } from './rows/row-store.js';
import { decodeIdentity, encodeIdentity, encodeState } from './rows/sealed.js';
import type { DiskSpace } from './space.js';

/**
 * What a data directory holds.
 *
 * 1. compacted.index <= state.index <= hardState.commit <= index of the last entry (or compacted.index if there is none).
 * 2. entries are contiguous, start after compacted.index, and their terms never fall.
 */
export interface Recovered {
  readonly fresh: boolean;
  readonly hardState: HardState;
  readonly compacted: CompactedRecord;
  readonly entries: readonly Entry[];
  readonly state: StateRecord;
  /** Drawn when the directory was new. */
  readonly dataId: number;
  /** By which data directories the other members are known here. */
  readonly peers: ReadonlyMap<number, number>;
  /** null: nothing was ever lost. */
  readonly rebuild: RebuildRecord | null;
  /** Where a write was cut off that never came to its end; null: there was none. */
  readonly cutTail: string | null;
}

/** Whose a data directory is to be. */
export interface Claim {
  readonly identity: Identity;
  /** What an empty directory begins with; recorded in it. */
  readonly bootstrap: Configuration;
  /** Marks an empty directory as that of a member that may have had another one before; null: the first of its cluster. */
  readonly rebuild: RebuildRecord | null;
}

/** Told whose the directory is; null: it is empty. */
export type Claimant = (found: Identity | null) => Claim | Promise<Claim>;

export interface RecoverOptions {
  readonly directory: string;
  readonly claimant: Claimant;
  readonly sizes: JournalSizes;
  readonly space: DiskSpace;
  readonly onError: (error: unknown) => void;
}

export interface OpenedDirectory {
  readonly log: WriteAheadLog;
  readonly rows: RowStore;
  readonly recovered: Recovered;
}

/** Rejects with JournalError, or the file system's error. */
export async function recover(options: RecoverOptions): Promise<OpenedDirectory> {
  const { directory, space } = options;
  await refuseOldFormat(directory);
  await space.hasRoomForRows(); // LevelDB writes when it is opened.
  const database = await openDatabase(join(directory, 'rows'), directory);
  let log: WriteAheadLog | null = null;
  try {
    const identity = await claim(database, options);
    const opened = await openLog(database, identity, options);
    log = opened.log;
    return await assemble(database, identity, opened, options);
  } catch (error) {
    await log?.abandon();
    await database.close();
    throw error;
  }
}

async function assemble(
  database: Database,
  { isNew, dataId }: IdentityRecord,
  { log, state, cut }: OpenedLog,
  { sizes, space, onError }: RecoverOptions,
): Promise<OpenedDirectory> {
  const rows = await RowStore.open(database, {
    batchBytes: sizes.rowsBatchBytes,
    hasRoom: () => space.hasRoomForRows(),
    onError,
  });
  // The log took the snapshot over, and the process ended before the rows' own mark said so.
  if (state.install !== null && state.install.generation > rows.state.generation)
    await rows.install(state.install);
  // What was applied was committed, also if the log was not told so yet.
  const commit = logIndex(Math.max(state.hardState.commit, rows.state.index));
  const { compacted, entries, known } = state;
  const recovered: Recovered = {
    fresh: isNew,
    hardState: { ...state.hardState, commit },
    compacted,
    entries,
    state: rows.state,
    dataId,
    peers: new Map(known.peers),
    rebuild: known.rebuild,
    cutTail: cut,
  };
  checkRecovered(recovered);
  await rows.deleteLeftovers();
  return { log, rows, recovered };
}

async function refuseOldFormat(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const isOld = await access(join(directory, 'CURRENT')).then(
    () => true,
    () => false,
  );
  if (isOld)
    throw new JournalError(
      'format',
      `data directory ${directory} was written by a version that kept its log in LevelDB, and is not converted. ` +
        'Empty it and start with --initial-cluster-state=existing while all other members are up, or restore a snapshot',
    );
}

/** Whose directory it is. One that is new is claimed, and its log is still to be made. */
async function claim(database: Database, { directory, claimant }: RecoverOptions): Promise<IdentityRecord> {
  const record = await database.get(identityKey);
  if (record === undefined) return claimEmpty(database, directory, await claimant(null));
  const found = decodeIdentity(identityKey, record);
  if (found.format > journalLimits.format)
    throw new JournalError('format', `data directory ${directory} was written by a newer version`);
  const { identity } = await claimant(found);
  if (found.clusterId !== identity.clusterId)
    throw new JournalError(
      'foreign',
      `data directory ${directory} belongs to cluster ${hex(found.clusterId)} (member ${found.name}), not to ${hex(identity.clusterId)}: --initial-cluster or --initial-cluster-token was changed`,
    );
  if (found.memberId !== identity.memberId)
    throw new JournalError(
      'foreign',
      `data directory ${directory} belongs to member ${found.name} (${hex(found.memberId)}), not to ${identity.name} (${hex(identity.memberId)})`,
    );
  return found.format === journalLimits.format ? found : raiseFormat(database, found);
}

/** What an older version wrote is read as it is; from here on it could not read this directory. */
async function raiseFormat(database: Database, found: IdentityRecord): Promise<IdentityRecord> {
  const raised = { ...found, format: journalLimits.format };
  await database.put(identityKey, encodeIdentity(identityKey, raised), { sync: true });
  return raised;
}

async function claimEmpty(
  database: Database,
  directory: string,
  { identity, bootstrap, rebuild }: Claim,
): Promise<IdentityRecord> {
  for await (const chunk of readAll(database, {}))
    if (chunk.length > 0) throw new JournalError('corrupt', 'it holds rows but does not say whose');
  const hasLog = await access(join(directory, 'wal')).then(
    () => true,
    () => false,
  );
  if (hasLog) throw new JournalError('corrupt', 'it holds a log but does not say whose');
  const dataId = randomInt(1, 2 ** 48 - 1);
  const mine = { format: journalLimits.format, ...identity, dataId, isNew: true, rebuild };
  const start = { generation: 1, index: logIndex(0), term: term(0), configuration: bootstrap };
  await newBatch(database)
    .put(identityKey, encodeIdentity(identityKey, mine))
    .put(stateKey, encodeState(stateKey, start))
    .write({ sync: true });
  return mine;
}

const hex = (id: number): string => id.toString(16);

interface OpenedLog {
  readonly log: WriteAheadLog;
  readonly state: LogState;
  readonly cut: string | null;
}

async function openLog(
  database: Database,
  identity: IdentityRecord,
  { directory, sizes, space }: RecoverOptions,
): Promise<OpenedLog> {
  const { segmentBytes } = sizes;
  const { isNew, dataId, rebuild } = identity;
  const makeRoom = (): Promise<void> => space.makeRoom();
  const options: LogOptions = { directory: join(directory, 'wal'), dataId, segmentBytes, makeRoom };
  if (isNew) {
    // Nothing was ever promised from here.
    const created = await WriteAheadLog.create(options, { peers: [], rebuild });
    await created.abandon();
    const mine = { ...identity, isNew: false, rebuild: null };
    await database.put(identityKey, encodeIdentity(identityKey, mine), { sync: true });
  }
  const opened = await WriteAheadLog.open(options);
  if (opened === null) throw new JournalError('corrupt', 'its log is missing');
  return opened;
}

function checkRecovered({ hardState, compacted, entries, state }: Recovered): void {
  let last = compacted;
  for (const entry of entries) {
    if (entry.index !== last.index + 1)
      throw corrupt(`log entries ${last.index + 1} to ${entry.index - 1} are missing`);
    if (entry.term < last.term)
      throw corrupt(`log entry ${entry.index} is of an older term than the one before it`);
    last = entry;
  }
  if (state.index > last.index)
    throw corrupt(`the log ends at ${last.index} but the state is at ${state.index}`);
  if (hardState.commit > last.index)
    throw corrupt(`the log ends at ${last.index} but was committed up to ${hardState.commit}`);
  if (last.term > hardState.term)
    throw corrupt(`the log is of term ${last.term} but the hard state of ${hardState.term}`);
  if (compacted.index > state.index)
    throw corrupt(`the log was compacted up to ${compacted.index} but the state is at ${state.index}`);
}

const corrupt = (what: string): JournalError => new JournalError('corrupt', what);
