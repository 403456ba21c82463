import { ConnectionError, errorCodes, flags, frameBytesMax, frameHeaderBytes, frameTypes } from './frames.js';
import { http2Limits } from './limits.js';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** Without padding and priority; of headers the whole block, its continuations among it. Valid until the next call. */
  readonly payload: Buffer;
  /** What counts for flow control. */
  readonly sizeBytes: number;
}

interface Block {
  readonly streamId: number;
  readonly flags: number;
  bytes: Buffer;
  continuations: number;
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const nothing = Buffer.alloc(0);

/** Cuts what comes from a client into frames. Throws ConnectionError. */
export class FrameReader {
  #bytes: Buffer = nothing;
  #at = 0;
  #prefaced = false;
  /** A header block whose end is still to come. */
  #block: Block | null = null;

  push(bytes: Buffer): void {
    const rest = this.#bytes.length - this.#at;
    // What is left is less than a frame.
    this.#bytes = rest === 0 ? bytes : Buffer.concat([this.#bytes.subarray(this.#at), bytes]);
    this.#at = 0;
  }

  /** null: the next one is not whole. */
  next(): Frame | null {
    if (!this.#prefaced && !this.#readPreface()) return null;
    for (;;) {
      const bytes = this.#bytes;
      const at = this.#at;
      if (bytes.length - at < frameHeaderBytes) return null;
      const length = bytes.readUIntBE(at, 3);
      if (length > frameBytesMax) throw new ConnectionError(errorCodes.frameSizeError, 'a frame too large');
      const from = at + frameHeaderBytes;
      if (bytes.length < from + length) return null;
      this.#at = from + length;
      const frame = {
        type: bytes[at + 3]!,
        flags: bytes[at + 4]!,
        streamId: bytes.readUInt32BE(at + 5) & 0x7fffffff,
        payload: bytes.subarray(from, from + length),
        sizeBytes: length,
      };
      const whole = this.#assemble(frame);
      if (whole !== null) return whole;
    }
  }

  #readPreface(): boolean {
    const compared = Math.min(preface.length, this.#bytes.length);
    if (this.#bytes.compare(preface, 0, compared, 0, compared) !== 0)
      throw new ConnectionError(errorCodes.protocolError, 'no HTTP/2');
    if (compared < preface.length) return false;
    this.#at = preface.length;
    this.#prefaced = true;
    return true;
  }

  /** null: a part of a header block. */
  #assemble(frame: Frame): Frame | null {
    if (this.#block !== null) return this.#continue(frame, this.#block);
    switch (frame.type) {
      case frameTypes.data:
        return (frame.flags & flags.padded) === 0 ? frame : { ...frame, payload: unpadded(frame) };
      case frameTypes.headers: {
        if (frame.streamId === 0) throw new ConnectionError(errorCodes.protocolError, 'headers of no stream');
        let payload = unpadded(frame);
        if ((frame.flags & flags.priority) !== 0) {
          if (payload.length < 5)
            throw new ConnectionError(errorCodes.frameSizeError, 'headers without their priority');
          payload = payload.subarray(5);
        }
        if ((frame.flags & flags.endHeaders) !== 0) return { ...frame, payload };
        this.#block = {
          streamId: frame.streamId,
          flags: frame.flags,
          bytes: Buffer.from(payload),
          continuations: 0,
        };
        return null;
      }
      case frameTypes.continuation:
        throw new ConnectionError(errorCodes.protocolError, 'a continuation of nothing');
      default:
        return frame;
    }
  }

  #continue(frame: Frame, block: Block): Frame | null {
    if (frame.type !== frameTypes.continuation || frame.streamId !== block.streamId)
      throw new ConnectionError(errorCodes.protocolError, 'a header block that is not continued');
    block.bytes = Buffer.concat([block.bytes, frame.payload]);
    block.continuations += 1;
    const { headerBlockBytesMax, continuationsMax } = http2Limits;
    if (block.bytes.length > headerBlockBytesMax || block.continuations > continuationsMax)
      throw new ConnectionError(errorCodes.enhanceYourCalm, 'headers too large');
    if ((frame.flags & flags.endHeaders) === 0) return null;
    this.#block = null;
    return { ...frame, type: frameTypes.headers, flags: block.flags, payload: block.bytes };
  }
}

function unpadded({ payload, flags: frameFlags }: Frame): Buffer {
  if ((frameFlags & flags.padded) === 0) return payload;
  const padding = payload[0];
  if (padding === undefined || padding >= payload.length)
    throw new ConnectionError(errorCodes.protocolError, 'more padding than frame');
  return payload.subarray(1, payload.length - padding);
}
