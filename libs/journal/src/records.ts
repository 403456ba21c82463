import { crc32 } from 'node:zlib';
import {
  emptyDirectory,
  logIndex,
  memberId,
  term,
  type Configuration,
  type Entry,
  type EntryType,
  type HardState,
  type LogIndex,
  type Term,
} from '@raftsman/raft';
import type { Batch } from './database.js';
import { JournalError } from './errors.js';
import { entryIndex, getWhole, putEntryKey, putRowKey, putWhole } from './keys.js';
import { journalLimits } from './limits.js';

/**
 * Every record ends with a CRC-32 (4 bytes, big-endian) of its key and the rest of its value, so that neither a flipped bit nor a
 * record under a wrong key goes unnoticed. LevelDB's own checksums are not verified on reads and do not cover keys and values together.
 */
const crcBytes = 4;

/** What is put into a batch is put together here, key and value in a row: LevelDB copies it at once. */
const workspace = Buffer.allocUnsafe(journalLimits.workspaceBytesMax);

function reserve(sizeBytes: number): Buffer {
  if (sizeBytes <= workspace.length) return workspace;
  return Buffer.allocUnsafe(sizeBytes);
}

function putSealed(batch: Batch, bytes: Buffer, keyEnd: number, valueEnd: number): void {
  bytes.writeUInt32BE(crc32(bytes.subarray(0, valueEnd)), valueEnd);
  batch.put(bytes.subarray(0, keyEnd), bytes.subarray(keyEnd, valueEnd + crcBytes));
}

function seal(key: Uint8Array, body: Uint8Array): Uint8Array {
  const record = Buffer.alloc(body.length + crcBytes);
  record.set(body);
  record.writeUInt32BE(crc32(body, crc32(key)), body.length);
  return record;
}

function unseal(what: string, key: Uint8Array, record: Uint8Array): Uint8Array {
  const body = record.subarray(0, Math.max(0, record.length - crcBytes));
  const intact =
    record.length >= crcBytes &&
    new DataView(record.buffer, record.byteOffset).getUint32(body.length) === crc32(body, crc32(key));
  if (!intact)
    throw new JournalError(
      'corrupt',
      `the checksum of ${what} does not match: the data directory is corrupt`,
    );
  return body;
}

const entryTypes: readonly EntryType[] = ['normal', 'configuration'];

export function putEntry(batch: Batch, entry: Entry): void {
  const bytes = reserve(64 + entry.data.length);
  const keyEnd = putEntryKey(bytes, entry.index);
  let at = putWhole(bytes, keyEnd, entry.term);
  at = bytes.writeUInt8(entryTypes.indexOf(entry.type), at);
  bytes.set(entry.data, at);
  putSealed(batch, bytes, keyEnd, at + entry.data.length);
}

/** Answers the bytes that it adds. */
export function putRow(batch: Batch, generation: number, key: Uint8Array, value: Uint8Array): number {
  const bytes = reserve(64 + key.length + value.length);
  const keyEnd = putRowKey(bytes, generation, key);
  bytes.set(value, keyEnd);
  putSealed(batch, bytes, keyEnd, keyEnd + value.length);
  return keyEnd + value.length + crcBytes;
}

export function deleteRow(batch: Batch, generation: number, key: Uint8Array): number {
  const bytes = reserve(64 + key.length);
  const keyEnd = putRowKey(bytes, generation, key);
  batch.del(bytes.subarray(0, keyEnd));
  return keyEnd;
}

export function decodeEntry(key: Uint8Array, record: Uint8Array): Entry {
  const index = logIndex(entryIndex(key));
  const body = unseal(`log entry ${index}`, key, record);
  const type = entryTypes[body[8] ?? -1];
  if (type === undefined) throw new JournalError('format', `log entry ${index} is of an unknown type`);
  return { index, term: term(getWhole(body, 0)), type, data: body.subarray(9) };
}

export function encodeHardState(key: Uint8Array, state: HardState): Uint8Array {
  const body = Buffer.alloc(24);
  putWhole(body, putWhole(body, putWhole(body, 0, state.term), state.vote ?? 0), state.commit);
  return seal(key, body);
}

export function decodeHardState(key: Uint8Array, record: Uint8Array): HardState {
  const body = unseal('the hard state', key, record);
  const vote = getWhole(body, 8);
  return {
    term: term(getWhole(body, 0)),
    vote: vote === 0 ? null : memberId(vote),
    commit: logIndex(getWhole(body, 16)),
  };
}

/** Where the state rows of the present generation stand. */
export interface StateRecord {
  readonly generation: number;
  readonly index: LogIndex;
  readonly term: Term;
  readonly configuration: Configuration;
}

/** In JSON; records from before there were other members than voters name only these. */
interface WrittenState extends Omit<StateRecord, 'configuration'> {
  readonly configuration: Pick<Configuration, 'voters'> &
    Partial<Omit<Configuration, 'directory'>> & {
      /** Base64. */
      readonly directory?: string;
    };
}

/** Whose data directory this is. */
export interface Identity {
  readonly memberId: number;
  readonly clusterId: number;
  /** etcd's --name, for messages. */
  readonly name: string;
}

export interface IdentityRecord extends Identity {
  readonly format: number;
  /** Drawn when the directory was new: tells it from a later one of the same member. */
  readonly dataId?: number;
}

/** By which data directory another member is known here. */
export interface PeerRecord {
  readonly dataId: number;
}

/** This member lost what it had promised. It votes again once its commit index reaches `until`; null: that is still to be asked for. */
export interface RebuildRecord {
  readonly until: LogIndex | null;
  /** It may as well be new: whether anybody has met it with another data directory is still to be asked for. */
  readonly joining?: boolean;
}

type JsonRecord = WrittenState | IdentityRecord | CompactedRecord | PeerRecord | RebuildRecord;

/** The last entry that is no longer in the log. */
export interface CompactedRecord {
  readonly index: LogIndex;
  readonly term: Term;
}

/** Small records that are read by people too (`leveldbutil dump`). */
export function encodeJson(key: Uint8Array, value: JsonRecord): Uint8Array {
  return seal(key, Buffer.from(JSON.stringify(value)));
}

/** The checksum vouches that this version or an older one wrote it, and identity's `format` that none newer did. */
export function decodeJson<T extends JsonRecord>(what: string, key: Uint8Array, record: Uint8Array): T {
  return JSON.parse(Buffer.from(unseal(what, key, record)).toString()) as T;
}

export const decodeRow = (key: Uint8Array, record: Uint8Array): Uint8Array => unseal('a row', key, record);

export function encodeState(key: Uint8Array, state: StateRecord): Uint8Array {
  const { directory, ...members } = state.configuration;
  return encodeJson(key, {
    ...state,
    configuration: { ...members, directory: Buffer.from(directory).toString('base64') },
  });
}

export function decodeState(key: Uint8Array, record: Uint8Array): StateRecord {
  const written = decodeJson<WrittenState>('the state mark', key, record);
  const { voters, outgoing = [], learners = [], witnesses = [], directory } = written.configuration;
  const decoded = directory === undefined ? emptyDirectory : new Uint8Array(Buffer.from(directory, 'base64'));
  return { ...written, configuration: { voters, outgoing, learners, witnesses, directory: decoded } };
}
