import { SnapshotFileError } from './errors.js';

/** As much of protobuf's wire format as etcd's records need: varints and length-prefixed bytes. A field with its zero is left out. */
export class MessageWriter {
  readonly #buffer: Buffer;
  #length = 0;

  /** `sizeBytesMax`: what is written is never more. */
  constructor(sizeBytesMax: number) {
    this.#buffer = Buffer.allocUnsafe(sizeBytesMax);
  }

  /** A whole number below 2^53. */
  number(field: number, value: number): void {
    if (value === 0) return;
    this.#varint(field * 8);
    this.#varint(value);
  }

  int64(field: number, value: bigint): void {
    if (value === 0n) return;
    this.#varint(field * 8);
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 0x80n; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80);
    this.#byte(Number(rest));
  }

  /** Chars 0..255, or UTF-8 of any. An empty one is written if `always`, as an element of a list is. */
  text(field: number, value: string, encoding: 'latin1' | 'utf8' = 'latin1', always = false): void {
    if (value === '' && !always) return;
    this.#varint(field * 8 + 2);
    this.#varint(Buffer.byteLength(value, encoding));
    this.#length += this.#buffer.write(value, this.#length, encoding);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#byte((rest % 0x80) | 0x80);
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }
}

/** Of one tag and one number; of a tag and a length. */
export const fieldBytesMax = 16;

export interface Field {
  readonly number: number;
  /** Varints and fixed numbers; 0n for the others. */
  readonly value: bigint;
  /** Of a length-prefixed field; empty for the others. */
  readonly bytes: Buffer;
}

const none = Buffer.alloc(0);

/** The fields of a message in the order in which they stand. Throws SnapshotFileError. */
export function* readFields(message: Uint8Array): Generator<Field> {
  const buffer = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = buffer[at];
      if (byte === undefined) throw new SnapshotFileError('a record ends too early');
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new SnapshotFileError('a number in a record is too long');
  };
  const take = (length: number): Buffer => {
    if (at + length > buffer.length) throw new SnapshotFileError('a record ends too early');
    at += length;
    return buffer.subarray(at - length, at);
  };
  while (at < buffer.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    switch (tag & 7n) {
      case 0n:
        yield { number, value: varint(), bytes: none };
        break;
      case 1n:
        yield { number, value: take(8).readBigUInt64LE(), bytes: none };
        break;
      case 2n:
        yield { number, value: 0n, bytes: take(Number(varint())) };
        break;
      case 5n:
        yield { number, value: BigInt(take(4).readUInt32LE()), bytes: none };
        break;
      default:
        throw new SnapshotFileError('a field of a record is of an unknown kind');
    }
  }
}
