import { crc32 } from 'node:zlib';
import { JournalError } from '../errors.js';
import { journalLimits } from '../limits.js';
import type { Batch } from './database.js';
import { numberedKeyBytes, putKey } from './keys.js';
import type { StateRow } from './rows.js';
import { crcBytes, unseal } from './sealed.js';

/**
 * Rows of ascending keys in one record: what LevelDB and its binding do for a record costs more than a small row is worth.
 *
 *     for each row: length of its key (2 bytes), length of its value (4 bytes), key, value
 *     CRC-32 (4 bytes) of the record's key and all of that
 *
 * Numbers are big-endian. The record's key is that of the first row.
 */
const rowHeaderBytes = 6;
const keyBytesMax = 0xffff;

/** What is known of a pack without reading it. Keys as `nameOf` gives them. */
export interface Pack {
  readonly first: string;
  readonly last: string;
  readonly count: number;
}

/** Puts a pack together in memory that it keeps for the next one. */
export class PackBuilder {
  readonly #bytes = Buffer.allocUnsafe(
    numberedKeyBytes + keyBytesMax + journalLimits.packBytesMax + crcBytes,
  );
  /** Of the record's key; the rows follow it. */
  #keyEnd = 0;
  #end = 0;
  #count = 0;
  #lastAt = 0;

  /** Rows that one pack can hold, by their size. */
  static fits(key: Uint8Array, value: Uint8Array): boolean {
    return key.length <= keyBytesMax && sizeOf(key, value) <= journalLimits.packBytesMax;
  }

  /** Answers the bytes it adds; 0: the pack is full, and is to be put first. */
  add(generation: number, key: Uint8Array, value: Uint8Array): number {
    const size = sizeOf(key, value);
    if (this.#count > 0 && this.#end - this.#keyEnd + size > journalLimits.packBytesMax) return 0;
    const bytes = this.#bytes;
    if (this.#count === 0) this.#keyEnd = this.#end = putKey(bytes, 'pack', generation, key);
    const at = this.#end;
    this.#lastAt = at;
    bytes.writeUInt16BE(key.length, at);
    bytes.writeUInt32BE(value.length, at + 2);
    bytes.set(key, at + rowHeaderBytes);
    bytes.set(value, at + rowHeaderBytes + key.length);
    this.#end = at + size;
    this.#count += 1;
    return size;
  }

  /** Begins the next one. null: there was none. */
  put(batch: Batch): Pack | null {
    if (this.#count === 0) return null;
    const bytes = this.#bytes;
    const { first, last, count } = {
      first: bytes.toString('latin1', numberedKeyBytes, this.#keyEnd),
      last: keyAt(bytes, this.#lastAt).toString('latin1'),
      count: this.#count,
    };
    bytes.writeUInt32BE(crc32(bytes.subarray(0, this.#end)), this.#end);
    batch.put(bytes.subarray(0, this.#keyEnd), bytes.subarray(this.#keyEnd, this.#end + crcBytes));
    this.clear();
    return { first, last, count };
  }

  clear(): void {
    this.#count = 0;
  }
}

const sizeOf = (key: Uint8Array, value: Uint8Array): number => rowHeaderBytes + key.length + value.length;

const keyAt = (bytes: Buffer, at: number): Buffer =>
  bytes.subarray(at + rowHeaderBytes, at + rowHeaderBytes + bytes.readUInt16BE(at));

/** Its rows, in key order, in the memory of the record. Throws JournalError `corrupt`. */
export function decodePack(fullKey: Uint8Array, record: Uint8Array): StateRow[] {
  const body = unseal('a pack of rows', fullKey, record);
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const rows: StateRow[] = [];
  for (let at = 0; at < bytes.length;) {
    const key = keyAt(bytes, at);
    const valueAt = at + rowHeaderBytes + key.length;
    const end = valueAt + bytes.readUInt32BE(at + 2);
    rows.push({ key, value: bytes.subarray(valueAt, end) });
    at = end;
  }
  if (rows.length === 0) throw new JournalError('corrupt', 'a pack of rows is empty');
  return rows;
}
