import { MalformedError } from './bytes.js';

/**
 * The stream between two members, in both directions, once HTTP/1.1 was left for it: frames, of a length (4 bytes, little-endian, of what
 * follows it), a kind (1 byte) and the kind's own (codec.ts, greeting.ts).
 *
 * | kind       | from     | when                                                                             |
 * | ---------- | -------- | -------------------------------------------------------------------------------- |
 * | 1 hello    | caller   | first, once                                                                      |
 * | 2 welcome  | answerer | once: the caller is who it says, and may go on                                   |
 * | 3 end      | answerer | why it ends the stream; last                                                     |
 * | 4 messages | caller   | any time after the welcome                                                       |
 * | 5 ping     | both     | after the welcome, when there was nothing else to say for a while. Not answered. |
 */
export const frameKinds = { hello: 1, welcome: 2, end: 3, messages: 4, ping: 5 } as const;

/** The whole frame. */
export const pingFrame: Buffer = Buffer.of(1, 0, 0, 0, frameKinds.ping);

const lengthBytes = 4;
const none = Buffer.alloc(0);

/** Cuts what comes from a connection into frames. Holds one frame at most, and what came with its end. */
export class FrameAssembler {
  /** Larger ones are malformed. */
  frameBytesMax: number;
  #chunk: Buffer = none;
  #at = 0;
  readonly #length = Buffer.alloc(lengthBytes);
  #lengthFilled = 0;
  /** One that spans chunks. */
  #frame: Buffer | null = null;
  #filled = 0;

  constructor(frameBytesMax: number) {
    this.frameBytesMax = frameBytesMax;
  }

  push(chunk: Buffer): void {
    const left = this.#chunk.subarray(this.#at);
    this.#chunk = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
    this.#at = 0;
  }

  /** A frame without its length: memory of the chunk that brought it, unless it spans several. null: not whole yet. Throws MalformedError. */
  next(): Buffer | null {
    if (this.#frame === null) {
      const length = this.#readLength();
      if (length === null) {
        // All of it was taken: an idle stream keeps no chunk.
        this.#chunk = none;
        this.#at = 0;
        return null;
      }
      if (length === 0 || length > this.frameBytesMax)
        throw new MalformedError(`a frame of ${length} bytes, at most ${this.frameBytesMax} are taken`);
      const end = this.#at + length;
      if (end <= this.#chunk.length) return this.#taken(end);
      this.#frame = Buffer.allocUnsafeSlow(length);
      this.#filled = 0;
    }
    return this.#fill(this.#frame);
  }

  #readLength(): number | null {
    while (this.#lengthFilled < lengthBytes) {
      const byte = this.#chunk[this.#at];
      if (byte === undefined) return null;
      this.#length[this.#lengthFilled] = byte;
      this.#lengthFilled += 1;
      this.#at += 1;
    }
    this.#lengthFilled = 0;
    return this.#length.readUInt32LE();
  }

  #taken(end: number): Buffer {
    const taken = this.#chunk.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  #fill(frame: Buffer): Buffer | null {
    const end = Math.min(this.#chunk.length, this.#at + frame.length - this.#filled);
    this.#filled += this.#taken(end).copy(frame, this.#filled);
    if (this.#filled < frame.length) return null;
    this.#frame = null;
    return frame;
  }
}
