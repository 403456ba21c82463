import { getWhole, putWhole, wholeBytes } from '../whole.js';

/**
 * The keyspaces, told apart by the first byte. Numbers are 8 bytes big-endian, so that byte order is numeric order.
 *
 *     i                      identity
 *     p <generation> <key>   a pack of rows of the state machine; the key is that of its first row
 *     q <generation> <key>   that the row of this key in a pack is gone
 *     r <generation> <key>   a row of the state machine by itself
 *     s                      where the rows stand (generation, applied index and term, configuration)
 *     t <number>             that this batch of rows was written
 *
 * What every batch writes comes after the rows: a table of LevelDB that began before them would span them all, and each compaction of new rows would
 * rewrite the old ones beside it. The rows of a store come in ascending order.
 */
const keyspace = { identity: 0x69, pack: 0x70, gone: 0x71, row: 0x72, state: 0x73, batch: 0x74 } as const;

/** Where what belongs to a generation of rows is. */
export type RowSpace = 'pack' | 'gone' | 'row';
export const rowSpaces: readonly RowSpace[] = ['pack', 'gone', 'row'];

const single = (first: number): Uint8Array => Uint8Array.of(first);

export const identityKey = single(keyspace.identity);
export const stateKey = single(keyspace.state);

/** A keyspace and a number: what all keys of a generation begin with. */
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
export const putKey = (target: Buffer, space: RowSpace, generation: number, key: Uint8Array): number => {
  const at = putNumbered(target, keyspace[space], generation);
  target.set(key, at);
  return at + key.length;
};

export function fullKey(space: RowSpace, generation: number, key: Uint8Array): Uint8Array {
  const full = Buffer.alloc(numberedKeyBytes + key.length);
  putKey(full, space, generation, key);
  return full;
}

export const batchKey = (number: number): Uint8Array => numbered(keyspace.batch, number);
export const batchNumber = (key: Uint8Array): number => getWhole(key, 1);
export const batchKeysStart = single(keyspace.batch);
export const batchKeysEnd = single(keyspace.batch + 1);

export const generationStart = (space: RowSpace, generation: number): Uint8Array =>
  numbered(keyspace[space], generation);
/** All of them from one generation on; `gte` alone bounds those before it. */
export const spaceStart = (space: RowSpace): Uint8Array => single(keyspace[space]);
export const spaceEnd = (space: RowSpace): Uint8Array => single(keyspace[space] + 1);
export const generationOf = (full: Uint8Array): number => getWhole(full, 1);
/** The state machine's own key in a full key. */
export const ownKey = (full: Uint8Array): Uint8Array => full.subarray(numberedKeyBytes);

/** A key as a string of chars 0..255, for maps and comparisons: such strings compare in byte order. */
export const nameOf = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
export const bytesOf = (name: string): Uint8Array => Buffer.from(name, 'latin1');
