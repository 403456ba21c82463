import { Metadata, status, type ClientDuplexStream, type StatusObject } from '@grpc/grpc-js';
import type { Message } from '@raftsman/raft';
import type { Frame } from '@raftsman/proto/gen/raftsman/raft/v1/Frame.js';
import type { PeerClient } from '@raftsman/proto/gen/raftsman/raft/v1/Peer.js';
import type { Welcome__Output } from '@raftsman/proto/gen/raftsman/raft/v1/Welcome.js';
import type { Logger } from '@raftsman/telemetry';
import { storeLimits } from '../../limits.js';
import { createPeerClient, type PeerAddress, type PeerTarget } from './client.js';
import { encodeMessage } from './codec.js';
import { helloTo, removedLine, type PeerIdentity } from './hello.js';
import { Outbox } from './outbox.js';

type Call = ClientDuplexStream<Frame, Welcome__Output>;

type LinkState =
  /** The call waits for the connection, or for the peer's welcome; while there are other targets not for ever. */
  | { readonly kind: 'connecting'; readonly call: Call; readonly timer: NodeJS.Timeout | undefined }
  | { readonly kind: 'open'; readonly call: Call; readonly congested: boolean }
  | { readonly kind: 'backing-off'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'closed' };

export interface LinkEvents {
  opened(welcome: Welcome__Output): void;
  /** An open link broke. */
  broken(): void;
  /** The peer knows this member by another data directory: it must not go on. */
  disowned(reason: string): void;
  /** The peer knows that this member was removed. */
  removed(): void;
}

/** The stream of messages to one peer: kept up, and never more than its bounded queue behind. */
export class PeerLink {
  #peer: PeerAddress;
  readonly #identity: PeerIdentity;
  readonly #events: LinkEvents;
  readonly #logger: Logger;
  #client: PeerClient;
  /** Where the client leads. */
  #target: PeerTarget;
  /** Which of the targets is next. */
  #at = 0;
  readonly #outbox = new Outbox();
  #state: LinkState;
  #failures = 0;
  #lastComplaint = '';

  constructor(peer: PeerAddress, identity: PeerIdentity, events: LinkEvents, logger: Logger) {
    this.#peer = peer;
    this.#identity = identity;
    this.#events = events;
    this.#logger = logger;
    this.#target = peer.targets[0]!;
    this.#client = createPeerClient(this.#target);
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
    if (this.#state.kind === 'connecting') this.#state.call.cancel();
  }

  send(message: Message): void {
    const open = this.#state.kind === 'open';
    this.#outbox.push(message, open ? undefined : storeLimits.peerOfflineMessagesMax);
  }

  /** Writes what waits, as far as the peer takes it. */
  flush(): void {
    while (this.#state.kind === 'open' && !this.#state.congested && !this.#outbox.isEmpty) {
      const { call } = this.#state;
      const messages = this.#outbox
        .takeFrame()
        .flatMap((message) => (message.kind === 'snapshot-request' ? [] : [encodeMessage(message)]));
      if (!call.write({ messages })) this.#waitForDrain(call);
    }
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if (state.kind === 'backing-off' || state.kind === 'connecting') clearTimeout(state.timer);
    if (state.kind === 'open' || state.kind === 'connecting') state.call.cancel();
    this.#client.close();
  }

  #connect(): LinkState {
    const metadata = new Metadata({ waitForReady: true });
    const call = this.#client.exchange(metadata);
    call.on('data', (welcome: Welcome__Output) => this.#welcomed(call, welcome));
    // The status below says the same and always comes.
    call.on('error', () => undefined);
    call.on('status', (end: StatusObject) => this.#ended(call, end));
    call.write({ hello: helloTo(this.#peer.id, this.#identity) });
    const timer =
      this.#peer.targets.length > 1 ? setTimeout(() => call.cancel(), storeLimits.dialTimeoutMs) : undefined;
    return { kind: 'connecting', call, timer };
  }

  #welcomed(call: Call, welcome: Welcome__Output): void {
    if (this.#state.kind !== 'connecting' || this.#state.call !== call) return;
    clearTimeout(this.#state.timer);
    this.#state = { kind: 'open', call, congested: false };
    this.#failures = 0;
    this.#lastComplaint = '';
    this.#logger.info({ peer: this.#peer.name }, 'connected to peer');
    this.#events.opened(welcome);
    this.flush();
  }

  #waitForDrain(call: Call): void {
    this.#state = { kind: 'open', call, congested: true };
    call.once('drain', () => {
      if (this.#state.kind !== 'open' || this.#state.call !== call) return;
      this.#state = { kind: 'open', call, congested: false };
      const dropped = this.#outbox.takeDropped();
      if (dropped > 0)
        this.#logger.warn({ peer: this.#peer.name, dropped }, 'peer is slow: messages dropped');
      this.flush();
    });
  }

  #ended(call: Call, end: StatusObject): void {
    const state = this.#state;
    if ((state.kind !== 'open' && state.kind !== 'connecting') || state.call !== call) return;
    this.#complain(end);
    if (state.kind === 'connecting') clearTimeout(state.timer);
    this.#state = { kind: 'backing-off', timer: setTimeout(() => this.#reconnect(), this.#backoffMs(end)) };
    this.#failures += 1;
    if (end.code === status.DATA_LOSS) this.#events.disowned(end.details);
    if (end.code === status.PERMISSION_DENIED && end.details === removedLine) this.#events.removed();
    if (state.kind === 'open') this.#events.broken();
  }

  #reconnect(): void {
    const { targets } = this.#peer;
    // The one that broke once it was open may be back at once.
    if (this.#failures > 1) this.#at = (this.#at + 1) % targets.length;
    const target = targets[this.#at]!;
    if (target.target !== this.#target.target) {
      this.#target = target;
      this.#client.close();
      this.#client = createPeerClient(target);
    }
    this.#state = this.#connect();
  }

  #backoffMs(end: StatusObject): number {
    if (end.code === status.FAILED_PRECONDITION) return storeLimits.refusedBackoffMs;
    const { reconnectBackoffMinMs, reconnectBackoffMaxMs } = storeLimits;
    return Math.min(reconnectBackoffMaxMs, reconnectBackoffMinMs * 2 ** Math.min(this.#failures, 16));
  }

  /** Once per kind of failure, not once per attempt. */
  #complain({ code, details }: StatusObject): void {
    const complaint = `${code} ${details}`;
    if (complaint === this.#lastComplaint) return;
    this.#lastComplaint = complaint;
    const fields = { peer: this.#peer.name, target: this.#target.target, code: status[code], details };
    if (code === status.FAILED_PRECONDITION) this.#logger.error(fields, 'peer refused this member');
    else this.#logger.warn(fields, 'connection to peer broke');
  }
}
