import { crc32 } from 'node:zlib';
import { JournalError } from '../errors.js';
import { journalLimits } from '../limits.js';
import {
  stateFromJson,
  stateToJson,
  type IdentityRecord,
  type StateRecord,
  type WrittenState,
} from '../records.js';
import type { Batch } from './database.js';
import { fullKey, ownKey, putKey } from './keys.js';

/**
 * Every record in LevelDB ends with a CRC-32 (4 bytes, big-endian) of its key and the rest of its value, so that neither a flipped bit nor a
 * record under a wrong key goes unnoticed. LevelDB's own checksums are not verified on reads and do not cover keys and values together.
 */
export const crcBytes = 4;

/** What is put into a batch is put together here, key and value in a row: LevelDB copies it at once. */
const workspace = Buffer.allocUnsafe(journalLimits.workspaceBytesMax);

function reserve(sizeBytes: number): Buffer {
  if (sizeBytes <= workspace.length) return workspace;
  return Buffer.allocUnsafe(sizeBytes);
}

export function seal(key: Uint8Array, body: Uint8Array): Uint8Array {
  const record = Buffer.alloc(body.length + crcBytes);
  record.set(body);
  record.writeUInt32BE(crc32(body, crc32(key)), body.length);
  return record;
}

export function unseal(what: string, key: Uint8Array, record: Uint8Array): Uint8Array {
  const end = record.length - crcBytes;
  const body = record.subarray(0, Math.max(0, end));
  const intact = end >= 0 && wholeAt(record, end) === crc32(body, crcOfKey(key));
  if (!intact) throw new JournalError('corrupt', `the checksum of ${what} does not match`);
  return body;
}

const wholeAt = (record: Uint8Array, at: number): number =>
  ((record[at]! << 24) | (record[at + 1]! << 16) | (record[at + 2]! << 8) | record[at + 3]!) >>> 0;

/** The same CRC-32 as zlib's: for the few bytes of a key, a call of that costs several times as much. */
function crcOfKey(key: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of key) sum = crcTable[(sum ^ byte) & 0xff]! ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
  return sum >>> 0;
});

/** Answers the bytes that it adds. */
export function putRow(batch: Batch, generation: number, key: Uint8Array, value: Uint8Array): number {
  const bytes = reserve(64 + key.length + value.length);
  const keyEnd = putKey(bytes, 'row', generation, key);
  bytes.set(value, keyEnd);
  const valueEnd = keyEnd + value.length;
  bytes.writeUInt32BE(crc32(bytes.subarray(0, valueEnd)), valueEnd);
  batch.put(bytes.subarray(0, keyEnd), bytes.subarray(keyEnd, valueEnd + crcBytes));
  return valueEnd + crcBytes;
}

/** Of a row in a pack. */
export function putGone(batch: Batch, generation: number, key: Uint8Array): void {
  const full = fullKey('gone', generation, key);
  batch.put(full, seal(full, new Uint8Array()));
}

/** Answers the row's key; throws JournalError `corrupt`. */
export function decodeGone(key: Uint8Array, record: Uint8Array): Uint8Array {
  unseal('the mark of a row that is gone', key, record);
  return ownKey(key);
}

export const decodeRow = (key: Uint8Array, record: Uint8Array): Uint8Array => unseal('a row', key, record);

/** Small records that are read by people too (`leveldbutil dump`). */
const encodeJson = (key: Uint8Array, value: IdentityRecord | WrittenState): Uint8Array =>
  seal(key, Buffer.from(JSON.stringify(value)));

const parse = (body: Uint8Array): unknown => JSON.parse(Buffer.from(body).toString());

export const encodeIdentity = (key: Uint8Array, identity: IdentityRecord): Uint8Array =>
  encodeJson(key, identity);

/** The checksum vouches that this version or an older one wrote it, and its `format` that none newer did. */
export const decodeIdentity = (key: Uint8Array, record: Uint8Array): IdentityRecord =>
  parse(unseal('the identity', key, record)) as IdentityRecord;

export const encodeState = (key: Uint8Array, state: StateRecord): Uint8Array =>
  encodeJson(key, stateToJson(state));

export const decodeState = (key: Uint8Array, record: Uint8Array): StateRecord =>
  stateFromJson(parse(unseal('the state mark', key, record)) as WrittenState);
