/**
 * The keyspaces, told apart by the first byte. Numbers are 8 bytes big-endian, so that byte order is numeric order.
 *
 *     e <index>              a log entry
 *     h                      hard state
 *     i                      identity
 *     c                      what the log was compacted up to
 *     s                      where the state rows stand (generation, applied index and term, configuration)
 *     r <generation> <key>   a row of the state machine
 */
const keyspace = { entry: 0x65, hardState: 0x68, identity: 0x69, compacted: 0x63, state: 0x73, row: 0x72 };

const wholeBytes = 8;
const high = 2 ** 32;

/** A whole number below 2^53. */
export function putWhole(target: Uint8Array, offset: number, value: number): void {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setUint32(offset, Math.floor(value / high));
  view.setUint32(offset + 4, value % high);
}

export function getWhole(source: Uint8Array, offset: number): number {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  return view.getUint32(offset) * high + view.getUint32(offset + 4);
}

const single = (first: number): Uint8Array => Uint8Array.of(first);

export const hardStateKey = single(keyspace.hardState);
export const identityKey = single(keyspace.identity);
export const compactedKey = single(keyspace.compacted);
export const stateKey = single(keyspace.state);

function numbered(first: number, value: number, rest = 0): Uint8Array {
  const key = new Uint8Array(1 + wholeBytes + rest);
  key[0] = first;
  putWhole(key, 1, value);
  return key;
}

export const entryKey = (index: number): Uint8Array => numbered(keyspace.entry, index);
export const entryIndex = (key: Uint8Array): number => getWhole(key, 1);
export const entryKeysEnd = single(keyspace.entry + 1);

export function rowKey(generation: number, key: Uint8Array): Uint8Array {
  const full = numbered(keyspace.row, generation, key.length);
  full.set(key, 1 + wholeBytes);
  return full;
}

export const rowKeysStart = (generation: number): Uint8Array => numbered(keyspace.row, generation);
export const allRowKeysStart = single(keyspace.row);
export const allRowKeysEnd = single(keyspace.row + 1);
/** The state machine's own key in a full row key. */
export const keyOfRow = (full: Uint8Array): Uint8Array => full.subarray(1 + wholeBytes);
