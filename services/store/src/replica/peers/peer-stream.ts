import type { Socket } from 'node:net';
import { storeLimits } from '../../limits.js';
import { MalformedError } from './bytes.js';
import { FrameAssembler, pingFrame } from './frames.js';

const { peerSweepMs, peerKeepaliveTimeMs, peerKeepaliveTimeoutMs } = storeLimits;
const quietSweepsMax = Math.ceil(peerKeepaliveTimeMs / peerSweepMs);
const silentSweepsMax = Math.ceil((peerKeepaliveTimeMs + peerKeepaliveTimeoutMs) / peerSweepMs);

export interface StreamEvents {
  /** What follows the kind shares memory with what came beside it. May throw MalformedError, for `malformed`. */
  frame(kind: number, body: Buffer): void;
  /** More may be written, after `write` answered false. */
  drained(): void;
  /** Nothing that comes after it is heard; the stream must be ended. */
  malformed(reason: string): void;
  /** Once, unless this side ended it: the other side went, or the connection broke. */
  ended(reason: string): void;
}

/**
 * A connection as a stream of frames, alike at both ends. What is written goes to the system at once: whoever writes gathers first what belongs
 * together. Whoever reads may pause it, in the middle of what came.
 */
export class PeerStream {
  readonly #socket: Socket;
  readonly #events: StreamEvents;
  readonly #assembler: FrameAssembler;
  #state: 'flowing' | 'paused' | 'over' = 'flowing';
  /** Sweeps since anything was written, and since anything came. */
  #quietSweeps = 0;
  #silentSweeps = 0;

  constructor(socket: Socket, frameBytesMax: number, events: StreamEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#assembler = new FrameAssembler(frameBytesMax);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('drain', () => {
      if (this.#state !== 'over') events.drained();
    });
    socket.on('end', () => this.#broke('the other side ended it'));
    socket.on('error', (error) => this.#broke(error.message));
    socket.on('close', () => this.#broke('the connection was closed'));
    socket.resume();
  }

  get frameBytesMax(): number {
    return this.#assembler.frameBytesMax;
  }

  set frameBytesMax(value: number) {
    this.#assembler.frameBytesMax = value;
  }

  /** false: nothing more should be written until `drained`. */
  write(frame: Buffer): boolean {
    if (this.#state === 'over') return false;
    this.#quietSweeps = 0;
    return this.#socket.write(frame);
  }

  pause(): void {
    if (this.#state !== 'flowing') return;
    this.#state = 'paused';
    this.#socket.pause();
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'flowing';
    this.#cut();
    if (this.#state === 'flowing') this.#socket.resume();
  }

  /** The last that is said; what still comes is not heard. The other side closes the connection, in time or not. */
  end(frame: Buffer): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    // Closing it over what was not read would take the last frame with it.
    this.#socket.resume();
    this.#socket.end(frame);
    const timer = setTimeout(() => this.#socket.destroy(), storeLimits.peerLingerMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#state = 'over';
    this.#socket.destroy();
  }

  /**
   * Every peerSweepMs, once both sides know each other: a link that died in silence is noticed after peerKeepaliveTimeMs + peerKeepaliveTimeoutMs. Sweeps are
   * counted, not milliseconds, so that a process that stood still does not take its own absence for the peer's.
   */
  sweep(): void {
    if (this.#state === 'over') return;
    this.#silentSweeps += 1;
    this.#quietSweeps += 1;
    if (this.#silentSweeps > silentSweepsMax)
      this.#broke(`nothing came for ${silentSweepsMax * peerSweepMs} ms`);
    else if (this.#quietSweeps >= quietSweepsMax && !this.#socket.writableNeedDrain) this.write(pingFrame);
  }

  #take(chunk: Buffer): void {
    if (this.#state === 'over') return;
    this.#silentSweeps = 0;
    this.#assembler.push(chunk);
    this.#cut();
  }

  #cut(): void {
    try {
      while (this.#state === 'flowing') {
        const frame = this.#assembler.next();
        if (frame === null) return;
        this.#events.frame(frame[0]!, frame.subarray(1));
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#events.malformed(error.message);
    }
  }

  #broke(reason: string): void {
    const isOver = this.#state === 'over';
    this.destroy();
    if (!isOver) this.#events.ended(reason);
  }
}
