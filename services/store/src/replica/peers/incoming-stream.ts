import type { Socket } from 'node:net';
import type { MemberId } from '@raftsman/raft';
import { storeLimits } from '../../limits.js';
import { MalformedError } from './bytes.js';
import { frameKinds } from './frames.js';
import { decodeHello, encodeEnd, type PeerEnd } from './greeting.js';
import { protocolVersion, type PeerHello } from './hello.js';
import { PeerStream } from './peer-stream.js';

export interface IncomingEvents {
  /** Once. null: what came first is something else. Nothing more is read until `welcome`. */
  hello(hello: PeerHello | null): Promise<void>;
  /** Throws MalformedError. */
  messages(from: MemberId, body: Buffer): void;
  /** Once, unless this side ended it. null: it was not welcome yet. */
  ended(from: MemberId | null, reason: string): void;
}

/** The answering side of a stream that somebody opened. */
export class IncomingStream {
  /** Where it comes from, for the log. */
  readonly address: string;
  readonly #events: IncomingEvents;
  readonly #stream: PeerStream;
  readonly #helloTimer: NodeJS.Timeout;
  #from: MemberId | null = null;

  constructor(connection: Socket, address: string, events: IncomingEvents) {
    this.address = address;
    this.#events = events;
    this.#helloTimer = setTimeout(() => this.#cut('broken', 'no hello came'), storeLimits.helloTimeoutMs);
    this.#stream = new PeerStream(connection, storeLimits.greetingBytesMax, {
      frame: (kind, body) => this.#heard(kind, body),
      drained: () => undefined, // Next to nothing is written here.
      malformed: (reason) => this.#cut('refused', `what came is malformed: ${reason}`),
      ended: (reason) => this.#ended(reason),
    });
  }

  /** See PeerStream. */
  sweep(): void {
    this.#stream.sweep();
  }

  /** Hears `from` now. */
  welcome(from: MemberId, frame: Buffer): void {
    this.#from = from;
    this.#stream.write(frame);
    this.#stream.frameBytesMax = storeLimits.receiveFrameBytesMax;
    this.#stream.resume();
  }

  end(end: PeerEnd): void {
    this.endAfter(encodeEnd(end));
  }

  /** `frame` is the last. */
  endAfter(frame: Buffer): void {
    clearTimeout(this.#helloTimer);
    this.#stream.end(frame);
  }

  destroy(): void {
    clearTimeout(this.#helloTimer);
    this.#stream.destroy();
  }

  #heard(kind: number, body: Buffer): void {
    if (this.#from === null)
      this.#greet(kind === frameKinds.hello ? decodeHello(body, protocolVersion) : null);
    else if (kind === frameKinds.messages) this.#events.messages(this.#from, body);
    else if (kind !== frameKinds.ping) throw new MalformedError(`frame kind ${kind} is not expected`);
  }

  /** What follows waits until it is known who sends it. */
  #greet(hello: PeerHello | null): void {
    clearTimeout(this.#helloTimer);
    this.#stream.pause();
    this.#events.hello(hello).catch((error: unknown) => this.#cut('broken', String(error)));
  }

  #cut(code: PeerEnd['code'], details: string): void {
    this.end({ code, details });
    this.#events.ended(this.#from, details);
  }

  #ended(reason: string): void {
    clearTimeout(this.#helloTimer);
    this.#events.ended(this.#from, reason);
  }
}
