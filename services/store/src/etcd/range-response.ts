import { setImmediate } from 'node:timers/promises';
import type { KeyValue, RangeResult } from '@raftsman/mvcc';
import { EncodedResponse } from './encoded.js';
import { etcdLimits } from './limits.js';

/** Ids and terms are whole numbers below 2^53. */
interface Header {
  readonly clusterId: number;
  readonly memberId: number;
  readonly raftTerm: number;
}

/** What a part of an answer is made of; all but the key-values are for the last one. */
export type RangePart = Omit<RangeResult, 'kind'>;

/**
 * A RangeResponse in wire form. A list of 10,000 pods is 20 MB: made in one go by the generic encoder it would hold up Raft's
 * heartbeats for hundreds of milliseconds, so it is written straight from the store's strings, and others run in between.
 */
export async function encodeRangeResponse(header: Header, result: RangeResult): Promise<EncodedResponse> {
  return encode(header, result, false);
}

/** A RangeStreamResponse in wire form. `header` null: it is not the last one. */
export async function encodeRangePart(header: Header | null, part: RangePart): Promise<EncodedResponse> {
  return encode(header, part, true);
}

/** `isPart`: within a RangeStreamResponse. */
async function encode(header: Header | null, result: RangePart, isPart: boolean): Promise<EncodedResponse> {
  const { kvs, keysOnly } = result;
  const sizes = new Uint32Array(kvs.length);
  let total = header === null ? 0 : endSize(header, result);
  await inSlices(kvs.length, (at) => {
    const size = keyValueSize(kvs[at]!, keysOnly);
    sizes[at] = size;
    total += 1 + varintSize(size) + size;
    return 0;
  });
  const writer = new Writer(isPart ? 1 + varintSize(total) + total : total);
  if (isPart) {
    writer.tag(1, 2);
    writer.varint(total);
  }
  if (header !== null) writeHeader(writer, header, result.revision);
  await inSlices(kvs.length, (at) => {
    writer.tag(2, 2);
    writer.varint(sizes[at]!);
    writeKeyValue(writer, kvs[at]!, keysOnly);
    return sizes[at]!;
  });
  if (header !== null) {
    writer.field(3, result.more ? 1 : 0);
    writer.field(4, result.count);
  }
  return new EncodedResponse(writer.finish());
}

/** Calls `visit` for 0..count-1; it answers bytes. After so many of either, others run. */
async function inSlices(count: number, visit: (at: number) => number): Promise<void> {
  let bytes = 0;
  let items = 0;
  for (let at = 0; at < count; at += 1) {
    bytes += visit(at);
    items += 1;
    if (bytes < etcdLimits.encodeBytesPerSlice && items < etcdLimits.encodeItemsPerSlice) continue;
    bytes = 0;
    items = 0;
    await setImmediate();
  }
}

/** Protobuf fields in a buffer of the exact size; what is 0 or empty is left out, as proto3 says. */
class Writer {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(sizeBytes: number) {
    this.#buffer = Buffer.allocUnsafe(sizeBytes);
  }

  tag(field: number, wireType: number): void {
    this.#buffer[this.#at++] = (field << 3) | wireType;
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  field(field: number, value: number): void {
    if (value === 0) return;
    this.tag(field, 0);
    this.varint(value);
  }

  int64(field: number, value: bigint): void {
    if (value === 0n) return;
    this.tag(field, 0);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.#buffer[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#at++] = Number(rest);
  }

  bytes(field: number, value: string): void {
    if (value === '') return;
    this.tag(field, 2);
    this.varint(value.length);
    this.#at += this.#buffer.write(value, this.#at, 'latin1');
  }

  finish(): Buffer {
    if (this.#at !== this.#buffer.length)
      throw new Error('etcd: a response has another size than was computed');
    return this.#buffer;
  }
}

const fieldSize = (value: number): number => (value === 0 ? 0 : 1 + varintSize(value));
const bytesSize = (length: number): number => (length === 0 ? 0 : 1 + varintSize(length) + length);

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

function int64Size(value: bigint): number {
  if (value === 0n) return 0;
  let size = 2;
  for (let rest = BigInt.asUintN(64, value); rest >= 0x80n; rest >>= 7n) size += 1;
  return size;
}

/** Of header, more and count. */
function endSize(header: Header, { revision, more, count }: RangePart): number {
  const head = headerSize(header, revision);
  return 1 + varintSize(head) + head + fieldSize(more ? 1 : 0) + fieldSize(count);
}

function headerSize({ clusterId, memberId, raftTerm }: Header, revision: number): number {
  return fieldSize(clusterId) + fieldSize(memberId) + fieldSize(revision) + fieldSize(raftTerm);
}

function writeHeader(writer: Writer, header: Header, revision: number): void {
  const { clusterId, memberId, raftTerm } = header;
  writer.tag(1, 2);
  writer.varint(headerSize(header, revision));
  writer.field(1, clusterId);
  writer.field(2, memberId);
  writer.field(3, revision);
  writer.field(4, raftTerm);
}

function keyValueSize(kv: KeyValue, keysOnly: boolean): number {
  return (
    bytesSize(kv.key.length) +
    fieldSize(kv.createRevision) +
    fieldSize(kv.modRevision) +
    fieldSize(kv.version) +
    (keysOnly ? 0 : bytesSize(kv.value.length)) +
    int64Size(kv.lease)
  );
}

function writeKeyValue(writer: Writer, kv: KeyValue, keysOnly: boolean): void {
  writer.bytes(1, kv.key);
  writer.field(2, kv.createRevision);
  writer.field(3, kv.modRevision);
  writer.field(4, kv.version);
  if (!keysOnly) writer.bytes(5, kv.value);
  writer.int64(6, kv.lease);
}
