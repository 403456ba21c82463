import type { Socket } from 'node:net';
import { connectUpgraded } from '@raftsman/wire';
import { storeLimits } from '../../limits.js';
import { MalformedError } from './bytes.js';
import type { PeerTarget } from './client.js';
import { frameKinds } from './frames.js';
import { decodeEnd, decodeWelcome, encodeHello, type PeerEnd, type PeerWelcome } from './greeting.js';
import { peerProtocol, type PeerHello } from './hello.js';
import { PeerStream } from './peer-stream.js';

/** Called later than the constructor, and not after `close`. */
export interface CallEvents {
  welcomed(welcome: PeerWelcome): void;
  /** More may be written, after `write` answered false. */
  drained(): void;
  /** Once; the last. */
  ended(end: PeerEnd): void;
}

type CallState =
  | { readonly kind: 'dialling'; readonly giveUp: () => void }
  | { readonly kind: 'greeting' | 'open'; readonly stream: PeerStream }
  | { readonly kind: 'over' };

/** The calling side of a stream: connects, says who is there, and is welcome or not, all that within a time. */
export class PeerCall {
  readonly #hello: PeerHello;
  readonly #events: CallEvents;
  readonly #timer: NodeJS.Timeout;
  #state: CallState;

  constructor({ target, security }: PeerTarget, hello: PeerHello, timeoutMs: number, events: CallEvents) {
    this.#hello = hello;
    this.#events = events;
    this.#timer = setTimeout(() => this.#broke(`no welcome within ${timeoutMs} ms`), timeoutMs);
    const connectTimeoutMs = Math.min(timeoutMs, storeLimits.dialTimeoutMs);
    const giveUp = connectUpgraded(
      { address: target, security, protocol: peerProtocol, connectTimeoutMs },
      { upgraded: (socket) => this.#connected(socket), failed: (reason) => this.#broke(reason) },
    );
    this.#state = { kind: 'dialling', giveUp };
  }

  /** false: nothing more should be written until `drained`. */
  write(frame: Buffer): boolean {
    return this.#state.kind === 'open' && this.#state.stream.write(frame);
  }

  /** See PeerStream. */
  sweep(): void {
    if (this.#state.kind === 'open') this.#state.stream.sweep();
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: 'over' };
    clearTimeout(this.#timer);
    if (state.kind === 'dialling') state.giveUp();
    else if (state.kind !== 'over') state.stream.destroy();
  }

  #connected(socket: Socket): void {
    const stream = new PeerStream(socket, storeLimits.greetingBytesMax, {
      frame: (kind, body) => this.#heard(stream, kind, body),
      drained: () => this.#events.drained(),
      malformed: (reason) => this.#broke(`what came is malformed: ${reason}`),
      ended: (reason) => this.#broke(reason),
    });
    this.#state = { kind: 'greeting', stream };
    stream.write(encodeHello(this.#hello));
  }

  #heard(stream: PeerStream, kind: number, body: Buffer): void {
    if (kind === frameKinds.end) this.#end(decodeEnd(body));
    else if (kind === frameKinds.welcome && this.#state.kind === 'greeting') {
      clearTimeout(this.#timer);
      const welcome = decodeWelcome(body);
      this.#state = { kind: 'open', stream };
      this.#events.welcomed(welcome);
    } else if (kind !== frameKinds.ping) throw new MalformedError(`frame kind ${kind} is not expected`);
  }

  #broke(details: string): void {
    this.#end({ code: 'broken', details });
  }

  #end(end: PeerEnd): void {
    if (this.#state.kind === 'over') return;
    this.close();
    this.#events.ended(end);
  }
}
