import type { Logger } from '@raftsman/telemetry';
import type { Message } from '@raftsman/raft';
import { storeLimits } from '../../limits.js';
import type { PeerAddress, PeerTarget } from './client.js';
import { encodeMessages, type SentMessage } from './codec.js';
import type { PeerEnd, PeerWelcome } from './greeting.js';
import { helloTo, removedLine, type PeerIdentity } from './hello.js';
import type { Keepalive } from './keepalive.js';
import { Outbox } from './outbox.js';
import { PeerCall } from './peer-call.js';
import type { PeerTraffic } from './traffic.js';

type LinkState =
  /** Until the peer's welcome; while there are other targets not for long. */
  | { readonly kind: 'connecting'; readonly call: PeerCall }
  | { readonly kind: 'open'; readonly call: PeerCall; readonly congested: boolean }
  /** `refused`: the peer is there, and it is no use to ask it sooner. */
  | { readonly kind: 'backing-off'; readonly timer: NodeJS.Timeout; readonly refused: boolean }
  | { readonly kind: 'closed' };

export interface LinkEvents {
  opened(welcome: PeerWelcome): void;
  /** An open link broke. */
  broken(): void;
  /** The peer knows this member by another data directory: it must not go on. */
  disowned(reason: string): void;
  /** The peer knows that this member was removed. */
  removed(): void;
}

export interface LinkOptions {
  readonly identity: PeerIdentity;
  readonly keepalive: Keepalive;
  /** Counted here, but for what is received. */
  readonly traffic: PeerTraffic;
  readonly logger: Logger;
}

/** The stream of messages to one peer: kept up, and never more than its bounded queue behind. */
export class PeerLink {
  #peer: PeerAddress;
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  /** Where the call leads. */
  #target: PeerTarget;
  /** Which of the targets is next. */
  #at = 0;
  readonly #outbox = new Outbox();
  #state: LinkState;
  #failures = 0;
  #lastComplaint = '';

  constructor(peer: PeerAddress, events: LinkEvents, options: LinkOptions) {
    this.#peer = peer;
    this.#options = options;
    this.#events = events;
    this.#target = peer.targets[0]!;
    this.#state = this.#connect();
  }

  /** The one that is used now. */
  get target(): PeerTarget {
    return this.#target;
  }

  /** The peer is to be found elsewhere, as soon as it is not where it was. */
  move(peer: PeerAddress): void {
    this.#peer = peer;
    this.#at = 0;
    if (this.#state.kind !== 'connecting') return;
    const { call } = this.#state;
    call.close();
    this.#ended(call, { code: 'broken', details: 'it is to be found elsewhere' });
  }

  /** The peer was just heard: it is there. */
  hurry(): void {
    if (this.#state.kind !== 'backing-off' || this.#state.refused) return;
    clearTimeout(this.#state.timer);
    this.#reconnect();
  }

  send(message: Message): void {
    const isOpen = this.#state.kind === 'open';
    const dropped = isOpen ? this.#outbox.push(message) : this.#outbox.keep(message);
    this.#options.traffic.droppedMessages += dropped;
  }

  /** Writes what waits, as far as the peer takes it. */
  flush(): void {
    while (this.#state.kind === 'open' && !this.#state.congested && !this.#outbox.isEmpty) {
      const { call } = this.#state;
      const messages = this.#outbox.takeFrame().filter(isSent);
      if (messages.length === 0) continue;
      const frame = encodeMessages(messages);
      this.#options.traffic.sentBytes += frame.length;
      if (!call.write(frame)) this.#state = { kind: 'open', call, congested: true };
    }
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if (state.kind === 'backing-off') clearTimeout(state.timer);
    if (state.kind === 'open' || state.kind === 'connecting') this.#hangUp(state.call);
  }

  #connect(): LinkState {
    const { identity } = this.#options;
    const { id, targets } = this.#peer;
    const timeoutMs = targets.length > 1 ? storeLimits.dialTimeoutMs : storeLimits.helloTimeoutMs;
    const call = new PeerCall(this.#target, helloTo(id, identity), timeoutMs, {
      welcomed: (welcome) => this.#welcomed(call, welcome),
      drained: () => this.#drained(call),
      ended: (end) => this.#ended(call, end),
    });
    return { kind: 'connecting', call };
  }

  #welcomed(call: PeerCall, welcome: PeerWelcome): void {
    if (this.#state.kind !== 'connecting' || this.#state.call !== call) return;
    this.#state = { kind: 'open', call, congested: false };
    this.#options.keepalive.add(call);
    this.#options.traffic.isActive = true;
    this.#failures = 0;
    this.#lastComplaint = '';
    this.#options.logger.info({ peer: this.#peer.name }, 'connected to peer');
    this.#events.opened(welcome);
    this.flush();
  }

  #drained(call: PeerCall): void {
    if (this.#state.kind !== 'open' || this.#state.call !== call) return;
    this.#state = { kind: 'open', call, congested: false };
    const dropped = this.#outbox.takeDropped();
    if (dropped > 0)
      this.#options.logger.warn({ peer: this.#peer.name, dropped }, 'peer is slow: messages dropped');
    this.flush();
  }

  #ended(call: PeerCall, end: PeerEnd): void {
    const state = this.#state;
    if ((state.kind !== 'open' && state.kind !== 'connecting') || state.call !== call) return;
    this.#complain(end);
    this.#hangUp(call);
    const refused = end.code !== 'broken';
    const timer = setTimeout(() => this.#reconnect(), this.#backoffMs(end));
    this.#state = { kind: 'backing-off', timer, refused };
    this.#failures += 1;
    if (end.code === 'lost') this.#events.disowned(end.details);
    if (end.code === 'removed' && end.details === removedLine) this.#events.removed();
    if (state.kind !== 'open') return;
    this.#options.traffic.isActive = false;
    this.#options.traffic.disconnects += 1;
    this.#events.broken();
  }

  #hangUp(call: PeerCall): void {
    this.#options.keepalive.remove(call);
    call.close();
  }

  #reconnect(): void {
    const { targets } = this.#peer;
    // The one that broke once it was open may be back at once.
    if (this.#failures > 1) this.#at = (this.#at + 1) % targets.length;
    this.#target = targets[this.#at]!;
    this.#state = this.#connect();
  }

  #backoffMs({ code }: PeerEnd): number {
    if (code === 'refused') return storeLimits.refusedBackoffMs;
    const { reconnectBackoffMinMs, reconnectBackoffMaxMs } = storeLimits;
    return Math.min(reconnectBackoffMaxMs, reconnectBackoffMinMs * 2 ** Math.min(this.#failures, 16));
  }

  /** Once per kind of failure, not once per attempt. */
  #complain({ code, details }: PeerEnd): void {
    const complaint = `${code} ${details}`;
    if (complaint === this.#lastComplaint) return;
    this.#lastComplaint = complaint;
    const { logger } = this.#options;
    const fields = { peer: this.#peer.name, target: this.#target.target, code, details };
    if (code === 'refused') logger.error(fields, 'peer refused this member');
    else logger.warn(fields, 'connection to peer broke');
  }
}

/** States go by a stream of their own. */
const isSent = (message: Message): message is SentMessage => message.kind !== 'snapshot-request';
