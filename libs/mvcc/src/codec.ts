import { mvccLimits } from './limits.js';
import type { Binary, LeaseId } from './types.js';

/** Our binary forms: varints, length-prefixed bytes, 64-bit lease ids. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(sizeBytesHint = 128) {
    this.#buffer = Buffer.allocUnsafe(sizeBytesHint);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  /** A whole number from 0 to numberMax. */
  unsigned(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** A whole number; magnitudes beyond what the store can reach are clamped, which changes no answer. */
  signed(value: number): void {
    const clamped = Math.max(-mvccLimits.numberMax / 2, Math.min(value, mvccLimits.numberMax / 2));
    this.unsigned(clamped >= 0 ? clamped * 2 : -clamped * 2 - 1);
  }

  binary(value: Binary): void {
    this.unsigned(value.length);
    this.#reserve(value.length);
    this.#length += this.#buffer.write(value, this.#length, 'latin1');
  }

  /** No lease takes one byte, an id nine. */
  lease(id: LeaseId): void {
    if (id === 0n) {
      this.byte(0);
      return;
    }
    this.byte(1);
    this.#reserve(8);
    this.#length = this.#buffer.writeBigInt64BE(BigInt.asIntN(64, id), this.#length);
  }

  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** The same bytes. There may be millions of them that are Buffers already. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The bytes do not say what they should. */
export class MalformedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedError';
  }
}

/** Reads what ByteWriter writes; throws MalformedError on anything else. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = asBuffer(bytes);
  }

  byte(): number {
    const value = this.#buffer[this.#at];
    if (value === undefined) throw new MalformedError('ends too early');
    this.#at += 1;
    return value;
  }

  unsigned(): number {
    let value = 0;
    let factor = 1;
    for (let length = 0; length < 8; length += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value > mvccLimits.numberMax) break;
        return value;
      }
      factor *= 0x80;
    }
    throw new MalformedError('number too large');
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  binary(): Binary {
    const length = this.unsigned();
    const end = this.#at + length;
    if (end > this.#buffer.length) throw new MalformedError('ends too early');
    const value = this.#buffer.toString('latin1', this.#at, end);
    this.#at = end;
    return value;
  }

  lease(): LeaseId {
    if (this.byte() === 0) return 0n;
    if (this.#at + 8 > this.#buffer.length) throw new MalformedError('ends too early');
    const id = this.#buffer.readBigInt64BE(this.#at);
    this.#at += 8;
    return id;
  }

  /** Everything that has not been read. */
  rest(): Uint8Array {
    const rest = this.#buffer.subarray(this.#at);
    this.#at = this.#buffer.length;
    return rest;
  }

  /** What is left must be nothing. */
  end(): void {
    if (this.#at !== this.#buffer.length) throw new MalformedError('goes on after its end');
  }
}
