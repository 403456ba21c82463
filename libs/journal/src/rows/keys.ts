import { getWhole, putWhole, wholeBytes } from '../whole.js';

/**
 * The keyspaces, told apart by the first byte. Numbers are 8 bytes big-endian, so that byte order is numeric order.
 *
 *     i                      identity
 *     r <generation> <key>   a row of the state machine
 *     s                      where the state rows stand (generation, applied index and term, configuration)
 *     t <number>             that this batch of rows was written
 *
 * What every batch writes comes after the rows: a table of LevelDB that began before them would span them all, and each compaction of new rows would
 * rewrite the old ones beside it. The rows of a store come in ascending order.
 */
const keyspace = { identity: 0x69, row: 0x72, state: 0x73, batch: 0x74 };

const single = (first: number): Uint8Array => Uint8Array.of(first);

export const identityKey = single(keyspace.identity);
export const stateKey = single(keyspace.state);

/** A keyspace and a number: what all row keys of a generation begin with. */
export const numberedKeyBytes = 1 + wholeBytes;

function putNumbered(target: Buffer, first: number, value: number): number {
  target.writeUInt8(first, 0);
  return putWhole(target, 1, value);
}

function numbered(first: number, value: number): Uint8Array {
  const key = Buffer.alloc(numberedKeyBytes);
  putNumbered(key, first, value);
  return key;
}

/** Writes the key at the start of `target`; answers where it ends. */
export const putRowKey = (target: Buffer, generation: number, key: Uint8Array): number => {
  const at = putNumbered(target, keyspace.row, generation);
  target.set(key, at);
  return at + key.length;
};

export function rowKey(generation: number, key: Uint8Array): Uint8Array {
  const full = Buffer.alloc(numberedKeyBytes + key.length);
  putRowKey(full, generation, key);
  return full;
}

export const batchKey = (number: number): Uint8Array => numbered(keyspace.batch, number);
export const batchNumber = (key: Uint8Array): number => getWhole(key, 1);
export const batchKeysStart = single(keyspace.batch);
export const batchKeysEnd = single(keyspace.batch + 1);

export const rowKeysStart = (generation: number): Uint8Array => numbered(keyspace.row, generation);
export const rowGeneration = (full: Uint8Array): number => getWhole(full, 1);
export const allRowKeysStart = single(keyspace.row);
export const allRowKeysEnd = single(keyspace.row + 1);
/** The state machine's own key in a full row key. */
export const keyOfRow = (full: Uint8Array): Uint8Array => full.subarray(numberedKeyBytes);
