import type { Socket } from 'node:net';
import { http2Limits } from './limits.js';

/** Up to here copying what was written into one piece is cheaper than handing over many. */
const joinBytesMax = 16 * 1024;

/** Everything written in one turn of the event loop leaves with one write. A client that does not read is not read from either. */
export class SocketWriter {
  readonly #socket: Socket;
  readonly #onRoom: () => void;
  #out: Buffer[] = [];
  #outBytes = 0;
  #scheduled = false;
  #congested = false;
  #closed = false;

  /** `onRoom`: called when more may be written than before. */
  constructor(socket: Socket, onRoom: () => void) {
    this.#socket = socket;
    this.#onRoom = onRoom;
    socket.on('drain', () => this.#drained());
  }

  /** What can wait should. */
  get isFull(): boolean {
    return this.#congested || this.#outBytes > http2Limits.unsentBytesMax;
  }

  write(bytes: Buffer): void {
    if (this.#closed) return;
    this.#out.push(bytes);
    this.#outBytes += bytes.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    const out = this.#out;
    const bytes = this.#outBytes;
    const wasFull = this.isFull;
    this.#out = [];
    this.#outBytes = 0;
    const [only] = out;
    if (this.#closed || only === undefined) return;
    if (out.length === 1) this.#socket.write(only);
    else if (bytes <= joinBytesMax) this.#socket.write(Buffer.concat(out, bytes));
    else {
      this.#socket.cork();
      for (const each of out) this.#socket.write(each);
      this.#socket.uncork();
    }
    if (this.#socket.writableLength > http2Limits.unsentBytesMax) {
      this.#congested = true;
      this.#socket.pause();
    } else if (wasFull && !this.#congested) this.#onRoom();
  }

  /** Sends what is left; nothing can be written any more. */
  close(): void {
    this.flush();
    this.#closed = true;
    this.#socket.destroySoon();
    if (this.#socket.writableLength > 0)
      setTimeout(() => this.#socket.destroy(), http2Limits.lingerMs).unref();
  }

  #drained(): void {
    if (this.#closed) return;
    if (this.#congested) this.#socket.resume();
    this.#congested = false;
    this.#onRoom();
  }
}
