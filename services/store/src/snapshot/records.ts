import { isTombstone, mvccLimits, revision, type KeyValue } from '@raftsman/mvcc';
import { alarmNumbers, type RaisedAlarm } from '../etcd/alarm-rows.js';
import { SnapshotFileError } from './errors.js';
import type { BoltItem } from './bolt/builder.js';
import { fieldBytesMax, MessageWriter, readFields, type Field } from './protobuf.js';

/**
 * How etcd keeps a version of a key, a lease and an alarm in its backend (server/storage/mvcc/revision.go, api/mvccpb/kv.proto,
 * server/lease/leasepb/lease.proto, api/etcdserverpb/rpc.proto).
 */

const revisionBytes = 17;
const separator = 0x5f;
const tombstoneMark = 0x74;

/** Main revision, '_', its part, and 't' if the key was deleted. */
function revisionKey(main: number, sub: number, tombstone: boolean): Buffer {
  const key = Buffer.alloc(tombstone ? revisionBytes + 1 : revisionBytes);
  key.writeBigUInt64BE(BigInt(main), 0);
  key[8] = separator;
  key.writeBigUInt64BE(BigInt(sub), 9);
  if (tombstone) key[revisionBytes] = tombstoneMark;
  return key;
}

export function versionItem(kv: KeyValue): BoltItem {
  const tombstone = isTombstone(kv);
  const writer = new MessageWriter(kv.key.length + kv.value.length + 6 * fieldBytesMax);
  writer.text(1, kv.key);
  if (!tombstone) {
    writer.number(2, kv.createRevision);
    writer.number(3, kv.modRevision);
    writer.number(4, kv.version);
    writer.text(5, kv.value);
    writer.int64(6, kv.lease);
  }
  return { key: revisionKey(kv.modRevision, kv.sub, tombstone), value: writer.finish() };
}

/** As meta's compaction marks have it. */
export const revisionMark = (main: number): Buffer => revisionKey(main, 0, false);

export function readRevisionMark(mark: Uint8Array): number {
  return readRevisionKey(mark).main;
}

function readRevisionKey(bytes: Uint8Array): { main: number; sub: number; tombstone: boolean } {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tombstone = key.length === revisionBytes + 1 && key[revisionBytes] === tombstoneMark;
  if ((key.length !== revisionBytes && !tombstone) || key[8] !== separator)
    throw new SnapshotFileError(`${key.toString('hex')} is no revision`);
  const main = whole(key.readBigUInt64BE(0), 'a revision');
  const sub = whole(key.readBigUInt64BE(9), 'a part of a revision');
  if (main === 0 || sub >= 2 ** 32) throw new SnapshotFileError(`${key.toString('hex')} is no revision`);
  return { main, sub, tombstone };
}

/** A tombstone of the empty key, which no request can name, stands for a revision without a change: etcd's revision bump. */
export function revisionMarker(at: number): KeyValue {
  return tombstoneOf('', at, 0);
}

const tombstoneOf = (key: string, main: number, sub: number): KeyValue => ({
  key,
  createRevision: revision(0),
  modRevision: revision(main),
  sub,
  version: 0,
  value: '',
  lease: 0n,
});

/** Throws SnapshotFileError. */
export function readVersion({ key, value }: BoltItem): KeyValue {
  const { main, sub, tombstone } = readRevisionKey(key);
  const read = { key: '', createRevision: 0, modRevision: 0, version: 0, value: '', lease: 0n };
  for (const field of readFields(value)) readVersionField(read, field);
  if (value.length === 0) return tombstoneOf('', main, sub);
  if (read.key === '' && !tombstone) throw new SnapshotFileError(`revision ${main} has no key`);
  if (tombstone) return tombstoneOf(read.key, main, sub);
  if (read.modRevision !== main || read.version < 1 || read.createRevision < 1 || read.createRevision > main)
    throw new SnapshotFileError(`the key of revision ${main} contradicts it`);
  return {
    ...read,
    createRevision: revision(read.createRevision),
    modRevision: revision(main),
    sub,
  };
}

function readVersionField(
  into: {
    key: string;
    createRevision: number;
    modRevision: number;
    version: number;
    value: string;
    lease: bigint;
  },
  { number, value, bytes }: Field,
): void {
  switch (number) {
    case 1:
      into.key = bytes.toString('latin1');
      break;
    case 2:
      into.createRevision = whole(value, 'a revision');
      break;
    case 3:
      into.modRevision = whole(value, 'a revision');
      break;
    case 4:
      into.version = whole(value, 'a version');
      break;
    case 5:
      into.value = bytes.toString('latin1');
      break;
    case 6:
      into.lease = BigInt.asIntN(64, value);
      break;
    default:
  }
}

export interface LeaseRecord {
  readonly id: bigint;
  readonly ttlSeconds: number;
}

export function leaseItem({ id, ttlSeconds }: LeaseRecord): BoltItem {
  const key = Buffer.alloc(8);
  key.writeBigInt64BE(id);
  const writer = new MessageWriter(2 * fieldBytesMax);
  writer.int64(1, id);
  writer.number(2, ttlSeconds);
  return { key, value: writer.finish() };
}

/** Throws SnapshotFileError. What was left of the lease's time is not kept: it gets its full time again, as with a new leader. */
export function readLease({ key, value }: BoltItem): LeaseRecord {
  let id = 0n;
  let ttlSeconds = 0;
  for (const field of readFields(value)) {
    if (field.number === 1) id = BigInt.asIntN(64, field.value);
    if (field.number === 2) ttlSeconds = whole(field.value, 'a time to live');
  }
  const name = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  if (id === 0n || name.length !== 8 || name.readBigInt64BE() !== id)
    throw new SnapshotFileError(`lease ${name.toString('hex')} contradicts its name`);
  if (ttlSeconds > mvccLimits.leaseTtlSecondsMax)
    throw new SnapshotFileError(`lease ${name.toString('hex')} lives too long`);
  return { id, ttlSeconds: Math.max(1, ttlSeconds) };
}

/** etcd names an alarm by its own bytes. */
export function alarmItem({ member, alarm }: RaisedAlarm): BoltItem {
  const writer = new MessageWriter(2 * fieldBytesMax);
  writer.int64(1, member);
  writer.number(2, alarmNumbers[alarm]);
  return { key: writer.finish(), value: Buffer.alloc(0) };
}

export function whole(value: bigint, what: string): number {
  if (value > BigInt(mvccLimits.numberMax)) throw new SnapshotFileError(`${what} is too large: ${value}`);
  return Number(value);
}
