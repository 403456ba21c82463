import type { Http2Connection } from './connection.js';
import { frameTypes, flags, resetFrame, frame, type ErrorCode } from './frames.js';
import { messagePrefixBytes, writeMessagePrefix } from './messages.js';

/** Who takes the request of a stream. */
export interface RequestReceiver {
  /** A piece of the body. */
  requestData(bytes: Buffer): void;
  /** The body is whole. */
  requestEnd(): void;
  /** Nobody waits for the answer any more: the client cancelled, or the connection is gone. At most once, and never after the answer has ended. */
  abandoned(): void;
}

interface Piece {
  readonly bytes: Buffer;
  sent: number;
  readonly done: (() => void) | null;
}

/** Up to here a copy is cheaper than a frame of its own for the prefix. */
const smallMessageBytesMax = 8_192;

/**
 * One request and its answer.
 *
 * Invariant: headers, data and trailers leave in the order in which they were written; after trailers or a reset nothing does.
 */
export class Http2Stream {
  readonly id: number;
  readonly connection: Http2Connection;
  /** null until the request is dispatched. */
  receiver: RequestReceiver | null = null;
  /** What this side may still send, and what the other side may. */
  sendWindow: number;
  receiveWindow: number;
  /** The other side has sent all; this side has. */
  remoteEnded = false;
  localEnded = false;
  #queue: Piece[] = [];
  #trailers: Buffer | null = null;

  constructor(connection: Http2Connection, id: number, sendWindow: number, receiveWindow: number) {
    this.connection = connection;
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  get hasUnsent(): boolean {
    return this.#queue.length > 0;
  }

  /** Header blocks are as `encodeHeaders` makes them. */
  sendHeaders(block: Buffer): void {
    if (!this.localEnded) this.connection.write(frame(frameTypes.headers, flags.endHeaders, this.id, block));
  }

  /** `done`: all of it has gone to the socket, or never will. */
  sendMessage(message: Buffer, done: (() => void) | null): void {
    if (this.localEnded || this.#trailers !== null) {
      done?.();
      return;
    }
    const prefix = Buffer.allocUnsafe(messagePrefixBytes);
    writeMessagePrefix(prefix, 0, message.length);
    if (message.length <= smallMessageBytesMax)
      this.#queue.push({ bytes: Buffer.concat([prefix, message]), sent: 0, done });
    else this.#queue.push({ bytes: prefix, sent: 0, done: null }, { bytes: message, sent: 0, done });
    this.connection.pump(this);
  }

  /** After what is still queued. */
  end(trailers: Buffer): void {
    if (this.localEnded || this.#trailers !== null) return;
    this.#trailers = trailers;
    this.connection.pump(this);
  }

  /** The whole answer at once, which is what most calls are. */
  answer(headers: Buffer, message: Buffer, trailers: Buffer): void {
    if (this.localEnded) return;
    if (this.connection.answerAtOnce(this, headers, message, trailers)) return;
    this.sendHeaders(headers);
    this.sendMessage(message, null);
    this.end(trailers);
  }

  reset(code: ErrorCode): void {
    if (this.localEnded && this.remoteEnded) return;
    this.connection.write(resetFrame(this.id, code));
    this.drop();
    this.connection.forget(this);
  }

  /** The other side may send so much more. */
  allow(bytes: number): void {
    if (!this.remoteEnded) this.connection.allow(this, bytes);
  }

  /** The next bytes to send, at most so many; null: there are none. Once they are written, `sent` is to be called. */
  take(bytesMax: number): Buffer | null {
    const piece = this.#queue[0];
    if (piece === undefined) return null;
    const end = Math.min(piece.bytes.length, piece.sent + bytesMax);
    const bytes = piece.bytes.subarray(piece.sent, end);
    piece.sent = end;
    return bytes;
  }

  /** Tells the writer of the first piece if all of it is gone; the writer may go on with the next at once. */
  sent(): void {
    const piece = this.#queue[0];
    if (piece === undefined || piece.sent < piece.bytes.length) return;
    this.#queue.shift();
    piece.done?.();
  }

  /** The trailers, once nothing is to be sent before them. */
  takeTrailers(): Buffer | null {
    if (this.#queue.length > 0) return null;
    const trailers = this.#trailers;
    this.#trailers = null;
    return trailers;
  }

  /** Nothing more goes out or comes in. */
  drop(): void {
    this.localEnded = true;
    this.remoteEnded = true;
    this.#trailers = null;
    const queue = this.#queue;
    this.#queue = [];
    for (const { done } of queue) done?.();
  }
}
