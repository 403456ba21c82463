import { crc32 } from 'node:zlib';
import {
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
import { JournalError } from './errors.js';
import { entryIndex, getWhole, putWhole } from './keys.js';

/**
 * Every record starts with a CRC-32 (4 bytes, big-endian) of its key and the rest of its value, so that neither a flipped bit nor a
 * record under a wrong key goes unnoticed. LevelDB's own checksums are not verified on reads and do not cover keys and values together.
 */
const crcBytes = 4;

function seal(key: Uint8Array, record: Uint8Array): Uint8Array {
  const view = new DataView(record.buffer, record.byteOffset);
  view.setUint32(0, crc32(record.subarray(crcBytes), crc32(key)));
  return record;
}

function unseal(what: string, key: Uint8Array, record: Uint8Array): Uint8Array {
  const intact =
    record.length >= crcBytes &&
    new DataView(record.buffer, record.byteOffset).getUint32(0) ===
      crc32(record.subarray(crcBytes), crc32(key));
  if (!intact)
    throw new JournalError(
      'corrupt',
      `the checksum of ${what} does not match: the data directory is corrupt`,
    );
  return record.subarray(crcBytes);
}

const entryTypes: readonly EntryType[] = ['normal', 'configuration'];
const entryHeaderBytes = crcBytes + 8 + 1;

export function encodeEntry(key: Uint8Array, entry: Entry): Uint8Array {
  const record = new Uint8Array(entryHeaderBytes + entry.data.length);
  putWhole(record, crcBytes, entry.term);
  record[crcBytes + 8] = entryTypes.indexOf(entry.type);
  record.set(entry.data, entryHeaderBytes);
  return seal(key, record);
}

export function decodeEntry(key: Uint8Array, record: Uint8Array): Entry {
  const index = logIndex(entryIndex(key));
  const body = unseal(`log entry ${index}`, key, record);
  const type = entryTypes[body[8] ?? -1];
  if (type === undefined) throw new JournalError('format', `log entry ${index} is of an unknown type`);
  return { index, term: term(getWhole(body, 0)), type, data: body.subarray(9) };
}

export function encodeHardState(key: Uint8Array, state: HardState): Uint8Array {
  const record = new Uint8Array(crcBytes + 24);
  putWhole(record, crcBytes, state.term);
  putWhole(record, crcBytes + 8, state.vote ?? 0);
  putWhole(record, crcBytes + 16, state.commit);
  return seal(key, record);
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

/** Whose data directory this is. */
export interface Identity {
  readonly memberId: number;
  readonly clusterId: number;
  /** etcd's --name, for messages. */
  readonly name: string;
}

export interface IdentityRecord extends Identity {
  readonly format: number;
}

/** The last entry that is no longer in the log. */
export interface CompactedRecord {
  readonly index: LogIndex;
  readonly term: Term;
}

/** Small records that are read by people too (`leveldbutil dump`). */
export function encodeJson(
  key: Uint8Array,
  value: StateRecord | IdentityRecord | CompactedRecord,
): Uint8Array {
  const text = Buffer.from(JSON.stringify(value));
  const record = new Uint8Array(crcBytes + text.length);
  record.set(text, crcBytes);
  return seal(key, record);
}

/** The checksum vouches that this version or an older one wrote it, and identity's `format` that none newer did. */
export function decodeJson<T extends StateRecord | IdentityRecord | CompactedRecord>(
  what: string,
  key: Uint8Array,
  record: Uint8Array,
): T {
  return JSON.parse(Buffer.from(unseal(what, key, record)).toString()) as T;
}

export function encodeRow(key: Uint8Array, value: Uint8Array): Uint8Array {
  const record = new Uint8Array(crcBytes + value.length);
  record.set(value, crcBytes);
  return seal(key, record);
}

export const decodeRow = (key: Uint8Array, record: Uint8Array): Uint8Array => unseal('a row', key, record);
