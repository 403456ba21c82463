import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import type { MemberId, Message } from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import { storeLimits } from '../../limits.js';
import { MalformedError } from './bytes.js';
import { decodeMessages } from './codec.js';
import { encodeWelcome, type PeerEnd } from './greeting.js';
import { meet, removedLine, type KnownPeers, type PeerHello, type PeerIdentity } from './hello.js';
import { IncomingStream } from './incoming-stream.js';
import type { Keepalive } from './keepalive.js';

export interface LogPosition {
  readonly term: number;
  readonly lastLogIndex: number;
}

export interface ExchangeEvents {
  greeted(from: MemberId, hello: PeerHello): void;
  /** In one frame of so many bytes. */
  messages(from: MemberId, messages: readonly Message[], frameBytes: number): void;
  unreachable(peer: MemberId): void;
  /** How far this member is; not behind what it has told anybody. */
  position(): LogPosition;
}

export interface ExchangeOptions {
  readonly identity: PeerIdentity;
  readonly known: KnownPeers;
  readonly keepalive: Keepalive;
  readonly logger: Logger;
}

/** Takes the streams of messages that the peers open. The newest stream of a peer is the one that counts; it ends those before it. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #events: ExchangeEvents;
  readonly #current = new Map<MemberId, IncomingStream>();
  /** Those that are not welcome yet. */
  readonly #strangers = new Set<IncomingStream>();

  constructor(options: ExchangeOptions, events: ExchangeEvents) {
    this.#options = options;
    this.#events = events;
  }

  take(connection: Socket): void {
    const address = `${connection.remoteAddress}:${connection.remotePort}`;
    if (this.#strangers.size >= storeLimits.strangersMax) {
      this.#options.logger.warn({ from: address }, 'too many connections that do not say who is there');
      connection.destroy();
      return;
    }
    const stream: IncomingStream = new IncomingStream(connection, address, {
      hello: (hello) => this.#greet(stream, hello),
      messages: (from, body) => this.#messages(from, body),
      ended: (from, reason) => this.#ended(stream, from, reason),
    });
    this.#strangers.add(stream);
  }

  /** The streams of those that were removed from the cluster end, and say so. */
  dismissRemoved(): void {
    for (const peer of this.#current.keys())
      if (this.#options.identity.isRemoved(peer))
        this.#dismiss(peer, { code: 'removed', details: removedLine });
  }

  close(): void {
    for (const stream of this.#strangers) stream.destroy();
    this.#strangers.clear();
    for (const [peer, stream] of this.#current) {
      this.#forget(peer, stream);
      stream.destroy();
    }
  }

  /** Refuses, welcomes, or answers a member that has to begin anew and only asks. */
  async #greet(stream: IncomingStream, hello: PeerHello | null): Promise<void> {
    const { identity, known, logger } = this.#options;
    const greeting = await meet(hello, identity, known);
    if (!this.#strangers.delete(stream)) return;
    if (greeting.kind !== 'welcome') {
      logger.error({ from: stream.address, reason: greeting.reason }, 'refused a peer');
      stream.end({ code: greeting.kind, details: greeting.reason });
      return;
    }
    assert(hello !== null, 'only who says hello is welcome');
    const { from, met } = greeting;
    // Whoever still speaks from the earlier data directory is not heard any more: what it said so far is in the position.
    if (hello.rebuild) this.#dismiss(from, { code: 'lost', details: 'it is rebuilt elsewhere' });
    const { name, clientUrls } = identity;
    const welcome = encodeWelcome({ name, clientUrls, met, ...this.#events.position() });
    if (hello.rebuild) logger.warn({ name: hello.name }, 'a member lost its data and is rebuilt');
    if (hello.rebuild || hello.joining) {
      stream.endAfter(welcome);
      return;
    }
    const before = this.#current.get(from);
    if (before !== undefined) this.#forget(from, before);
    before?.destroy();
    this.#current.set(from, stream);
    this.#options.keepalive.add(stream);
    this.#events.greeted(from, hello);
    stream.welcome(from, welcome);
  }

  #dismiss(peer: MemberId, end: PeerEnd): void {
    const stream = this.#current.get(peer);
    if (stream === undefined) return;
    this.#forget(peer, stream);
    stream.end(end);
    this.#events.unreachable(peer);
  }

  #messages(from: MemberId, body: Buffer): void {
    const messages = decodeMessages(from, this.#options.identity.self, body);
    if (typeof messages === 'string') throw new MalformedError(messages);
    this.#events.messages(from, messages, body.length);
  }

  #ended(stream: IncomingStream, from: MemberId | null, reason: string): void {
    this.#strangers.delete(stream);
    const { logger } = this.#options;
    if (from === null) logger.debug({ from: stream.address, reason }, 'a connection to the peer port ended');
    else logger.warn({ peer: from.toString(16), from: stream.address, reason }, 'stream from peer broke');
    if (from === null || this.#current.get(from) !== stream) return;
    this.#forget(from, stream);
    this.#events.unreachable(from);
  }

  #forget(peer: MemberId, stream: IncomingStream): void {
    this.#current.delete(peer);
    this.#options.keepalive.remove(stream);
  }
}
