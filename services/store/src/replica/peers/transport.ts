import type { Journal, StateView } from '@raftsman/journal';
import type { MemberId, Message } from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import { createGrpcServer, serviceDefinition, type GrpcServer } from '@raftsman/wire';
import type { PeerHandlers } from '@raftsman/proto/gen/raftsman/raft/v1/Peer.js';
import { storeLimits } from '../../limits.js';
import { listenOnAll, type ListenAddress } from '../../listen.js';
import { peerProto, peerService, type PeerAddress, type PeerEvents } from './client.js';
import { createExchange } from './exchange.js';
import type { PeerIdentity } from './hello.js';
import { PeerLink } from './peer-link.js';
import { createSnapshotReceiver } from './snapshot-receiver.js';
import { sendSnapshot } from './snapshot-sender.js';

export interface TransportOptions {
  readonly identity: PeerIdentity;
  readonly peers: readonly PeerAddress[];
  readonly listeners: readonly ListenAddress[];
  readonly journal: Journal;
  readonly logger: Logger;
}

/** The connections of one member to all the others. Messages may get lost, never reordered within one connection. */
export class PeerTransport {
  readonly #options: TransportOptions;
  readonly #links = new Map<MemberId, PeerLink>();
  readonly #clientUrls = new Map<MemberId, readonly string[]>();
  #server: GrpcServer | null = null;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Rejects with ListenError. */
  async start(events: PeerEvents): Promise<void> {
    const { identity, peers, listeners, journal, logger } = this.#options;
    const implementation: PeerHandlers = {
      Exchange: createExchange(
        identity,
        journal,
        {
          greeted: (from, hello) => this.#clientUrls.set(from, hello.clientUrls),
          messages: (messages) => events.messages(messages),
          unreachable: (peer) => events.unreachable(peer),
          position: () => events.position(),
        },
        logger,
      ),
      InstallSnapshot: createSnapshotReceiver(
        identity,
        journal,
        (from, messageTerm, staged) => events.snapshot(from, messageTerm, staged),
        logger,
      ),
    };
    const service = {
      protoFile: peerProto,
      definition: serviceDefinition(peerProto, peerService),
      implementation,
    };
    this.#server = createGrpcServer([service], {
      reflection: false,
      'grpc.enable_channelz': 0,
      'grpc.max_receive_message_length': storeLimits.receiveFrameBytesMax,
      'grpc.keepalive_time_ms': storeLimits.peerKeepaliveTimeMs,
      'grpc.keepalive_timeout_ms': storeLimits.peerKeepaliveTimeoutMs,
    });
    await listenOnAll(this.#server, listeners);
    for (const peer of peers) {
      const opened = (welcome: { readonly clientUrls: readonly string[] }): void => {
        this.#clientUrls.set(peer.id, welcome.clientUrls);
      };
      const link = new PeerLink(
        peer,
        identity,
        {
          opened,
          broken: () => events.unreachable(peer.id),
          disowned: (reason) => events.disowned(reason),
        },
        logger,
      );
      this.#links.set(peer.id, link);
    }
  }

  send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const touched = new Set<PeerLink>();
    for (const message of messages) {
      const link = this.#links.get(message.to);
      if (link === undefined) continue;
      link.send(message);
      touched.add(link);
    }
    for (const link of touched) link.flush();
  }

  /** See snapshot-sender.ts. */
  sendSnapshot(to: MemberId, messageTerm: number, view: StateView): Promise<boolean> {
    const { peers, identity } = this.#options;
    const peer = peers.find(({ id }) => id === to);
    if (peer === undefined) return Promise.reject(new Error(`${to} is no peer`));
    return sendSnapshot(view, messageTerm, peer, identity);
  }

  /** What the peer said last; empty before it was ever seen. */
  clientUrlsOf(peer: MemberId): readonly string[] {
    return this.#clientUrls.get(peer) ?? [];
  }

  async close(): Promise<void> {
    for (const link of this.#links.values()) link.close();
    await this.#server?.close(0);
  }
}
