import { randomInt } from 'node:crypto';
import type { Configuration, Entry, HardState } from '@raftsman/raft';
import { logIndex, term } from '@raftsman/raft';
import { openDatabase, readAll, type Database } from './database.js';
import { JournalError } from './errors.js';
import {
  allRowKeysEnd,
  allRowKeysStart,
  compactedKey,
  entryKey,
  entryKeysEnd,
  hardStateKey,
  identityKey,
  peerKeysEnd,
  peerKeysStart,
  peerMember,
  rebuildKey,
  rowGeneration,
  rowKeysStart,
  stateKey,
} from './keys.js';
import {
  decodeEntry,
  decodeHardState,
  decodeJson,
  decodeState,
  encodeJson,
  encodeState,
  type CompactedRecord,
  type Identity,
  type IdentityRecord,
  type PeerRecord,
  type RebuildRecord,
  type StateRecord,
} from './records.js';

/** Raised whenever an older version could not read what this one writes. */
const format = 1;

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
  /** The highest of which there are rows, or whose rows this opening deleted. */
  readonly lastGeneration: number;
  /** Drawn when the directory was new. */
  readonly dataId: number;
  /** By which data directories the other members are known here. */
  readonly peers: ReadonlyMap<number, number>;
  /** null: nothing was ever lost. */
  readonly rebuild: RebuildRecord | null;
}

type Loaded = Omit<Recovered, 'dataId' | 'lastGeneration'>;

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

export async function recover(
  directory: string,
  claimant: Claimant,
): Promise<{ readonly database: Database; readonly recovered: Recovered }> {
  const database = await openDatabase(directory);
  try {
    const { fresh, dataId, bootstrap } = await claim(database, directory, claimant);
    const loaded = await load(database, bootstrap);
    const lastGeneration = await highestGeneration(database, loaded.state.generation);
    const recovered = { ...loaded, fresh, dataId, lastGeneration };
    checkRecovered(recovered);
    await deleteLeftovers(database, recovered);
    return { database, recovered };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Answers whether the directory was empty. */
async function claim(
  database: Database,
  directory: string,
  claimant: Claimant,
): Promise<{ readonly fresh: boolean; readonly dataId: number; readonly bootstrap: Configuration }> {
  const record = await database.get(identityKey);
  if (record === undefined) {
    for await (const chunk of readAll(database, {}))
      if (chunk.length > 0)
        throw new JournalError('corrupt', `data directory ${directory} holds data but does not say whose`);
    const { identity, bootstrap, rebuild } = await claimant(null);
    const dataId = newDataId();
    const mine: IdentityRecord = { format, ...identity, dataId };
    const batch = database.batch().put(identityKey, encodeJson(identityKey, mine));
    batch.put(stateKey, encodeState(stateKey, blank(bootstrap).state));
    if (rebuild !== null) batch.put(rebuildKey, encodeJson(rebuildKey, rebuild));
    await batch.write({ sync: true });
    return { fresh: true, dataId, bootstrap };
  }
  const found = decodeJson<IdentityRecord>('the identity', identityKey, record);
  if (found.format > format)
    throw new JournalError('format', `data directory ${directory} was written by a newer version`);
  const { identity, bootstrap } = await claimant(found);
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
  return { fresh: false, dataId: found.dataId ?? (await draw(database, found)), bootstrap };
}

/** A directory of before data ids gets one. */
async function draw(database: Database, found: IdentityRecord): Promise<number> {
  const dataId = newDataId();
  await database.put(identityKey, encodeJson(identityKey, { ...found, dataId }), { sync: true });
  return dataId;
}

const newDataId = (): number => randomInt(1, 2 ** 48 - 1);

const hex = (id: number): string => id.toString(16);

function blank(configuration: Configuration): Loaded {
  const start = { index: logIndex(0), term: term(0) };
  return {
    fresh: true,
    hardState: { term: term(0), vote: null, commit: logIndex(0) },
    compacted: start,
    entries: [],
    state: { generation: 1, ...start, configuration },
    peers: new Map(),
    rebuild: null,
  };
}

async function load(database: Database, bootstrap: Configuration): Promise<Loaded> {
  const none = blank(bootstrap);
  const marks = [hardStateKey, compactedKey, stateKey, rebuildKey];
  const [hardState, compacted, state, rebuild] = await database.getMany(marks);
  const compactedTo =
    compacted === undefined
      ? none.compacted
      : decodeJson<CompactedRecord>('the compaction mark', compactedKey, compacted);
  const entries: Entry[] = [];
  for await (const chunk of readAll(database, { gte: entryKey(compactedTo.index + 1), lt: entryKeysEnd }))
    for (const [key, value] of chunk) entries.push(decodeEntry(key, value));
  const peers = new Map<number, number>();
  for await (const chunk of readAll(database, { gte: peerKeysStart, lt: peerKeysEnd }))
    for (const [key, value] of chunk)
      peers.set(peerMember(key), decodeJson<PeerRecord>('a known peer', key, value).dataId);
  return {
    fresh: false,
    hardState: hardState === undefined ? none.hardState : decodeHardState(hardStateKey, hardState),
    compacted: compactedTo,
    entries,
    state: state === undefined ? none.state : decodeState(stateKey, state),
    peers,
    rebuild:
      rebuild === undefined ? null : decodeJson<RebuildRecord>('the rebuild mark', rebuildKey, rebuild),
  };
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
  if (hardState.commit > last.index)
    throw corrupt(`the log ends at ${last.index} but was committed up to ${hardState.commit}`);
  if (last.term > hardState.term)
    throw corrupt(`the log is of term ${last.term} but the hard state of ${hardState.term}`);
  if (state.index > hardState.commit)
    throw corrupt(`the state is at ${state.index} but only ${hardState.commit} was committed`);
  if (compacted.index > state.index)
    throw corrupt(`the log was compacted up to ${compacted.index} but the state is at ${state.index}`);
}

const corrupt = (what: string): JournalError =>
  new JournalError('corrupt', `${what}: the data directory is corrupt`);

async function highestGeneration(database: Database, present: number): Promise<number> {
  const last = { gte: allRowKeysStart, lt: allRowKeysEnd, reverse: true, limit: 1 };
  for await (const key of database.keys(last)) return Math.max(present, rowGeneration(key));
  return present;
}

/** Compacted entries, a half-received snapshot, the rows before the last received one. */
async function deleteLeftovers(database: Database, { compacted, state }: Loaded): Promise<void> {
  await database.clear({ gte: entryKey(0), lte: entryKey(compacted.index) });
  await database.clear({ gte: allRowKeysStart, lt: rowKeysStart(state.generation) });
  await database.clear({ gte: rowKeysStart(state.generation + 1), lt: allRowKeysEnd });
}
