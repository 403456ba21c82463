/**
 * The keyspaces, told apart by the first byte. Numbers are 8 bytes big-endian, so that byte order is numeric order.
 *
 *     e <index>              a log entry
 *     h                      hard state
 *     i                      identity
 *     c                      what the log was compacted up to
 *     s                      where the state rows stand (generation, applied index and term, configuration)
 *     r <generation> <key>   a row of the state machine
 *     p <member>             by which data directory another member is known
 *     b                      what must be done before this member may vote again
 */
const keyspace = {
  entry: 0x65,
  hardState: 0x68,
  identity: 0x69,
  compacted: 0x63,
  state: 0x73,
  row: 0x72,
  peer: 0x70,
  rebuild: 0x62,
};

const wholeBytes = 8;
const high = 2 ** 32;

/** A whole number below 2^53; answers the offset after it. */
export function putWhole(target: Buffer, offset: number, value: number): number {
  target.writeUInt32BE(Math.floor(value / high), offset);
  return target.writeUInt32BE(value % high, offset + 4);
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
export const rebuildKey = single(keyspace.rebuild);

/** A keyspace and a number: a whole entry key, or what all row keys of a generation begin with. */
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
export const putEntryKey = (target: Buffer, index: number): number =>
  putNumbered(target, keyspace.entry, index);
export const putRowKey = (target: Buffer, generation: number, key: Uint8Array): number => {
  const at = putNumbered(target, keyspace.row, generation);
  target.set(key, at);
  return at + key.length;
};

export const entryKey = (index: number): Uint8Array => numbered(keyspace.entry, index);
export const entryIndex = (key: Uint8Array): number => getWhole(key, 1);
export const entryKeysEnd = single(keyspace.entry + 1);

export const peerKey = (member: number): Uint8Array => numbered(keyspace.peer, member);
export const peerMember = (key: Uint8Array): number => getWhole(key, 1);
export const peerKeysStart = single(keyspace.peer);
export const peerKeysEnd = single(keyspace.peer + 1);

export const rowKeysStart = (generation: number): Uint8Array => numbered(keyspace.row, generation);
export const rowGeneration = (full: Uint8Array): number => getWhole(full, 1);
export const allRowKeysStart = single(keyspace.row);
export const allRowKeysEnd = single(keyspace.row + 1);
/** The state machine's own key in a full row key. */
export const keyOfRow = (full: Uint8Array): Uint8Array => full.subarray(numberedKeyBytes);
