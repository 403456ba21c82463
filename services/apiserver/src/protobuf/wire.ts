import { limits } from '../limits.js';

/** What is wrong with an encoding; `decodeProtobuf` makes a 400 of it. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

const truncated = (): WireError => new WireError('unexpected EOF');

const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
const varintBytesMax = 10;
/** So many bytes of seven bits each fit a double exactly. */
const exactBytes = 7;

/** What a body may still have, in all its messages together: two bytes on the wire can be an object in memory. */
interface Budget {
  fields: number;
}

/**
 * One message's fields in the order in which they stand: https://protobuf.dev/programming-guides/encoding/
 * After each `next` that answers true, exactly one of the other methods takes the field's value. All throw WireError.
 */
export class WireReader {
  readonly #message: Buffer;
  readonly #budget: Budget;
  readonly #depth: number;
  #at = 0;
  #number = 0;
  #wireType = 0;

  constructor(message: Buffer, budget: Budget = { fields: limits.protobufFields }, depth = 0) {
    this.#message = message;
    this.#budget = budget;
    this.#depth = depth;
  }

  /** The field at which the reader is. */
  get number(): number {
    return this.#number;
  }

  /** Goes to the next field; false: there is none. */
  next(): boolean {
    if (this.#at === this.#message.length) return false;
    this.#spend();
    const tag = this.#varint();
    this.#number = Math.floor(tag / 8);
    this.#wireType = tag % 8;
    if (tag < 8 || tag >= 2 ** 32) {
      throw new WireError(`proto: illegal tag ${this.#number} (wire type ${this.#wireType})`);
    }
    return true;
  }

  /** A signed integer; beyond 2^53 the nearest double, as in JSON. `name` is the field's, for errors. */
  integer(name: string): number {
    this.#expect(wireTypes.varint, name);
    return this.#varint();
  }

  double(name: string): number {
    this.#expect(wireTypes.fixed64, name);
    return this.#take(8).readDoubleLE();
  }

  bytes(name: string): Buffer {
    this.#expect(wireTypes.bytes, name);
    return this.#take(this.#varint());
  }

  /** The message that is the field's value. */
  message(name: string): WireReader {
    if (this.#depth >= limits.protobufDepthMessages) throw new WireError('proto: exceeded max depth');
    return new WireReader(this.bytes(name), this.#budget, this.#depth + 1);
  }

  /** One element of a list of integers, or many packed into one field. */
  integers(name: string): readonly number[] {
    if (this.#wireType !== wireTypes.bytes) return [this.integer(name)];
    const packed = this.message(name);
    const values: number[] = [];
    while (packed.#at < packed.#message.length) {
      this.#spend();
      values.push(packed.#varint());
    }
    return values;
  }

  skip(): void {
    switch (this.#wireType) {
      case wireTypes.varint:
        this.#varint();
        return;
      case wireTypes.fixed64:
        this.#take(8);
        return;
      case wireTypes.bytes:
        this.#take(this.#varint());
        return;
      case wireTypes.fixed32:
        this.#take(4);
        return;
      default:
        throw new WireError(`proto: illegal wireType ${this.#wireType}`);
    }
  }

  #spend(): void {
    this.#budget.fields -= 1;
    if (this.#budget.fields < 0) throw new WireError(`proto: more than ${limits.protobufFields} fields`);
  }

  #expect(wireType: number, name: string): void {
    if (this.#wireType !== wireType) {
      throw new WireError(`proto: wrong wireType = ${this.#wireType} for field ${name}`);
    }
  }

  #take(length: number): Buffer {
    if (length < 0) throw new WireError('proto: negative length found during unmarshaling');
    if (length > this.#message.length - this.#at) throw truncated();
    this.#at += length;
    return this.#message.subarray(this.#at - length, this.#at);
  }

  #varint(): number {
    const start = this.#at;
    let value = 0;
    let scale = 1;
    for (let count = 1; count <= varintBytesMax; count += 1) {
      const byte = this.#message[this.#at];
      if (byte === undefined) throw truncated();
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return count <= exactBytes ? value : this.#wideVarint(start);
    }
    throw new WireError('proto: integer overflow');
  }

  #wideVarint(start: number): number {
    let value = 0n;
    for (let at = this.#at - 1; at >= start; at -= 1) {
      value = (value << 7n) | BigInt(this.#message[at]! & 0x7f);
    }
    return Number(BigInt.asIntN(64, value));
  }
}
