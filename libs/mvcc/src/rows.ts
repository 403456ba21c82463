import { asBuffer, ByteReader, ByteWriter, MalformedError } from './codec.js';
import { UnknownCommandError } from './command.js';
import type { CompactionCursor } from './compaction.js';
import type { Lease } from './lease-table.js';
import { mvccLimits } from './limits.js';
import { revision, type KeyValue, type LeaseId, type Revision } from './types.js';

/**
 * The durable form. Restoring in key order gives the same store:
 *
 *     "l" lease id (8 bytes)                      → TTL
 *     "m"                                         → compaction: revision, cursor
 *     "v" mod revision (8 bytes) sub (4 bytes)    → one version of one key
 *
 * The store's revision and the keys of each lease follow from the versions. Each value begins with a format version.
 */
export interface Row {
  readonly key: Uint8Array;
  /** null: the row goes. */
  readonly value: Uint8Array | null;
}

/** A row that is there. */
export interface StoredRow extends Row {
  readonly value: Uint8Array;
}

/** What a row says when it is read back. */
export type RestoredRow =
  | { readonly kind: 'lease'; readonly id: LeaseId; readonly ttlSeconds: number }
  | {
      readonly kind: 'compaction';
      readonly compactRevision: Revision;
      readonly cursor: CompactionCursor;
      readonly pending: boolean;
    }
  | { readonly kind: 'version'; readonly kv: KeyValue };

const formatVersion = 1;
const prefix = { lease: 0x6c, meta: 0x6d, version: 0x76 } as const;

export function versionRow(kv: KeyValue): Row {
  const writer = new ByteWriter(kv.key.length + kv.value.length + 32);
  writer.byte(formatVersion);
  writer.binary(kv.key);
  writer.unsigned(kv.createRevision);
  writer.unsigned(kv.version);
  writer.lease(kv.lease);
  writer.binary(kv.value);
  return { key: versionKey(kv), value: writer.finish() };
}

export const removedVersionRow = (kv: KeyValue): Row => ({ key: versionKey(kv), value: null });

export function leaseRow(lease: Pick<Lease, 'id' | 'ttlSeconds'>): Row {
  const writer = new ByteWriter(16);
  writer.byte(formatVersion);
  writer.unsigned(lease.ttlSeconds);
  return { key: leaseKey(lease.id), value: writer.finish() };
}

export const removedLeaseRow = (id: LeaseId): Row => ({ key: leaseKey(id), value: null });

export function compactionRow(compactRevision: Revision, cursor: CompactionCursor, pending: boolean): Row {
  const writer = new ByteWriter(32);
  writer.byte(formatVersion);
  writer.unsigned(compactRevision);
  writer.unsigned(cursor.revision);
  writer.unsigned(cursor.sub);
  writer.byte(pending ? 1 : 0);
  return { key: Buffer.of(prefix.meta), value: writer.finish() };
}

/** Throws UnknownCommandError for what a newer version wrote, MalformedError for what no version writes. */
export function readRow(key: Uint8Array, value: Uint8Array): RestoredRow {
  const name = asBuffer(key);
  const reader = new ByteReader(value);
  if (reader.byte() !== formatVersion) throw new UnknownCommandError('a row of the store');
  const row = readBody(name, reader);
  reader.end();
  return row;
}

function readBody(name: Buffer, reader: ByteReader): RestoredRow {
  if (name[0] === prefix.lease && name.length === 9) {
    return { kind: 'lease', id: name.readBigInt64BE(1), ttlSeconds: reader.unsigned() };
  }
  if (name[0] === prefix.meta && name.length === 1) {
    const compactRevision = revision(reader.unsigned());
    const cursor = { revision: revision(reader.unsigned()), sub: reader.unsigned() };
    return { kind: 'compaction', compactRevision, cursor, pending: reader.byte() === 1 };
  }
  if (name[0] === prefix.version && name.length === 13) {
    const key = reader.binary();
    const createRevision = revision(reader.unsigned());
    const version = reader.unsigned();
    const lease = reader.lease();
    const value = reader.binary();
    const modRevision = revision(revisionIn(name));
    return {
      kind: 'version',
      kv: { key, createRevision, modRevision, sub: name.readUInt32BE(9), version, value, lease },
    };
  }
  throw new MalformedError(`a row of the store has an unknown key ${name.toString('hex')}`);
}

function revisionIn(versionName: Buffer): number {
  const at = versionName.readUInt32BE(1) * 2 ** 32 + versionName.readUInt32BE(5);
  if (at > mvccLimits.numberMax) throw new MalformedError('a revision that is too large');
  return at;
}

function versionKey(kv: KeyValue): Uint8Array {
  const key = Buffer.allocUnsafe(13);
  key[0] = prefix.version;
  key.writeUInt32BE(Math.floor(kv.modRevision / 2 ** 32), 1);
  key.writeUInt32BE(kv.modRevision % 2 ** 32, 5);
  key.writeUInt32BE(kv.sub, 9);
  return key;
}

function leaseKey(id: LeaseId): Uint8Array {
  const key = Buffer.allocUnsafe(9);
  key[0] = prefix.lease;
  key.writeBigInt64BE(id, 1);
  return key;
}
