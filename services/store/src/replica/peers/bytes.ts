import assert from 'node:assert/strict';

/** A number is 8 bytes, little-endian, and at most this. */
const highMax = 0x1f_ffff;
const lengthBytes = 4;

/** The bytes do not say what they should. */
export class MalformedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedError';
  }
}

/** One frame of the stream between two members: its length, its kind, and what the caller writes. Little-endian. */
export class FrameWriter {
  #bytes: Buffer;
  #view: DataView;
  #at = lengthBytes;

  /** `sizeBytesHint`: of all that follows the kind. */
  constructor(kind: number, sizeBytesHint: number) {
    this.#bytes = Buffer.allocUnsafe(lengthBytes + 1 + sizeBytesHint);
    this.#view = viewOf(this.#bytes);
    this.byte(kind);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  length(value: number): void {
    this.#reserve(lengthBytes);
    this.#view.setUint32(this.#at, value, true);
    this.#at += lengthBytes;
  }

  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) assert.fail(`${value} is no number of this protocol`);
    this.#reserve(8);
    this.#view.setUint32(this.#at, value % 2 ** 32, true);
    this.#view.setUint32(this.#at + 4, Math.floor(value / 2 ** 32), true);
    this.#at += 8;
  }

  /** Their length, and they. */
  bytes(value: Uint8Array): void {
    this.length(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  texts(values: readonly string[]): void {
    this.length(values.length);
    for (const value of values) this.bytes(Buffer.from(value));
  }

  /** Nothing may be written afterwards. */
  finish(): Buffer {
    this.#view.setUint32(0, this.#at - lengthBytes, true);
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

/** Reads what follows the kind of a frame. Throws MalformedError. */
export class FrameReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  get leftBytes(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  length(): number {
    return this.#view.getUint32(this.#take(lengthBytes), true);
  }

  number(): number {
    const at = this.#take(8);
    const high = this.#view.getUint32(at + 4, true);
    if (high > highMax) throw new MalformedError('a number is beyond 2^53');
    return high * 2 ** 32 + this.#view.getUint32(at, true);
  }

  /** They share memory with the frame. */
  bytes(): Buffer {
    const length = this.length();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(): string {
    return this.bytes().toString();
  }

  /** Of things that take at least so many bytes each: not more than there can be. */
  count(eachBytesMin: number): number {
    const count = this.length();
    if (count * eachBytesMin > this.leftBytes)
      throw new MalformedError(`${count} of something in too few bytes`);
    return count;
  }

  texts(): readonly string[] {
    return Array.from({ length: this.count(lengthBytes) }, () => this.text());
  }

  /** Bits that are known, lowest first. */
  flags(knownCount: number): number {
    const flags = this.byte();
    if (flags >= 1 << knownCount) throw new MalformedError(`flags ${flags} are not known`);
    return flags;
  }

  /** What is left must be nothing. */
  end(): void {
    if (this.leftBytes > 0) throw new MalformedError(`${this.leftBytes} bytes too many`);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new MalformedError('ends too early');
    this.#at = at + count;
    return at;
  }
}

const viewOf = ({ buffer, byteOffset, length }: Buffer): DataView => new DataView(buffer, byteOffset, length);
