import { gunzipSync, inflateSync } from 'node:zlib';
import { status } from '../grpc.js';
import { CallError } from '../in-process.js';

/** gRPC's frame around a message: a byte that says whether it is compressed, and four of its length. */
export const messagePrefixBytes = 5;

export function writeMessagePrefix(into: Buffer, at: number, length: number): number {
  into[at] = 0;
  return into.writeUInt32BE(length, at + 1);
}

/** How many bytes of requests that are not whole the server holds: one for all connections. */
export interface PartialBytes {
  bytes: number;
}

const nothing: readonly Buffer[] = [];

/** Puts the messages of one call together. */
export class MessageAssembler {
  readonly #bytesMax: number;
  readonly #encoding: string;
  readonly #partialBytes: PartialBytes;
  readonly #partialBytesMax: number;
  #parts: Buffer[] = [];
  #partBytes = 0;

  constructor(bytesMax: number, encoding: string, partialBytes: PartialBytes, partialBytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#encoding = encoding;
    this.#partialBytes = partialBytes;
    this.#partialBytesMax = partialBytesMax;
  }

  get isEmpty(): boolean {
    return this.#partBytes === 0;
  }

  /** What is whole now. A message may share memory with `bytes`. Throws CallError, after which the call cannot go on. */
  push(bytes: Buffer): readonly Buffer[] {
    if (this.#partBytes === 0 && bytes.length >= messagePrefixBytes) {
      const length = this.#lengthAt(bytes, 0);
      if (bytes.length === messagePrefixBytes + length) return [this.#open(bytes, 0, length)];
    }
    return this.#pushPart(bytes);
  }

  /** Nothing more comes. */
  drop(): void {
    this.#partialBytes.bytes -= this.#partBytes;
    this.#parts = [];
    this.#partBytes = 0;
  }

  #pushPart(bytes: Buffer): readonly Buffer[] {
    // What came belongs to a larger buffer of the socket, which must not be kept for its sake.
    this.#parts.push(Buffer.from(bytes));
    this.#partBytes += bytes.length;
    this.#partialBytes.bytes += bytes.length;
    if (this.#partialBytes.bytes > this.#partialBytesMax)
      throw new CallError(status.RESOURCE_EXHAUSTED, 'too many large requests at a time');
    if (this.#partBytes < messagePrefixBytes) return nothing;
    this.#join(messagePrefixBytes);
    if (this.#partBytes < messagePrefixBytes + this.#lengthAt(this.#parts[0]!, 0)) return nothing;
    return this.#cut(this.#join(this.#partBytes));
  }

  /** Makes the first part at least so long. */
  #join(bytes: number): Buffer {
    if (this.#parts[0]!.length < bytes) this.#parts = [Buffer.concat(this.#parts, this.#partBytes)];
    return this.#parts[0]!;
  }

  #cut(bytes: Buffer): readonly Buffer[] {
    const messages: Buffer[] = [];
    let at = 0;
    while (bytes.length - at >= messagePrefixBytes) {
      const length = this.#lengthAt(bytes, at);
      if (bytes.length - at < messagePrefixBytes + length) break;
      messages.push(this.#open(bytes, at, length));
      at += messagePrefixBytes + length;
    }
    this.drop();
    if (at < bytes.length) {
      this.#parts = [Buffer.from(bytes.subarray(at))];
      this.#partBytes = bytes.length - at;
      this.#partialBytes.bytes += this.#partBytes;
    }
    return messages;
  }

  #lengthAt(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at + 1);
    if (length > this.#bytesMax)
      throw new CallError(
        status.RESOURCE_EXHAUSTED,
        `grpc: received message larger than max (${length} vs. ${this.#bytesMax})`,
      );
    return length;
  }

  #open(bytes: Buffer, at: number, length: number): Buffer {
    const message = bytes.subarray(at + messagePrefixBytes, at + messagePrefixBytes + length);
    if (bytes[at] === 0) return message;
    const options = { maxOutputLength: this.#bytesMax };
    try {
      if (this.#encoding === 'gzip') return gunzipSync(message, options);
      if (this.#encoding === 'deflate') return inflateSync(message, options);
    } catch (error) {
      throw new CallError(status.INTERNAL, `a message that cannot be decompressed: ${String(error)}`);
    }
    throw new CallError(
      status.UNIMPLEMENTED,
      `grpc: compression ${this.#encoding || 'unnamed'} is not known here`,
    );
  }
}
