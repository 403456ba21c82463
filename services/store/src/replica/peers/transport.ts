import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { Journal } from '@raftsman/journal';
import type { MemberId, Message } from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import { createGrpcServer, serviceDefinition, type GrpcServer } from '@raftsman/wire';
import type { MembersResponse } from '@raftsman/proto/gen/raftsman/raft/v1/MembersResponse.js';
import type { PeerHandlers } from '@raftsman/proto/gen/raftsman/raft/v1/Peer.js';
import { ReplicaError, type ForwardedAnswer, type ForwardedCall } from '../../contract.js';
import { storeLimits } from '../../limits.js';
import { listenOnAll, type ListenAddress } from '../../listen.js';
import type { PeerAddress, PeerEvents, PeerTarget } from './client.js';
import { peerProto, peerService } from './contract.js';
import { Exchange } from './exchange.js';
import { answerForwarded, Forwarding } from './forwarding.js';
import { peerProtocol, type PeerHello, type PeerIdentity } from './hello.js';
import { Keepalive } from './keepalive.js';
import type { OutgoingState } from './outgoing-state.js';
import { PeerLink } from './peer-link.js';
import { SnapshotReceiver } from './snapshot-receiver.js';
import { sendSnapshot } from './snapshot-sender.js';
import { noTraffic, type PeerTraffic } from './traffic.js';

export interface TransportOptions {
  readonly identity: PeerIdentity;
  readonly listeners: readonly ListenAddress[];
  /** Where a peer's URLs lead; those that cannot be dialled are left out. */
  readonly targetsOf: (peerUrls: readonly string[]) => readonly PeerTarget[];
  readonly journal: Journal;
  readonly logger: Logger;
}

interface Neighbour {
  readonly address: PeerAddress;
  readonly link: PeerLink;
  readonly traffic: PeerTraffic;
  /** It talks to this member, whose log does not know it yet: a leader that was added while this member was away. */
  readonly isVisitor: boolean;
}

/** The connections of one member to all the others. Messages may get lost, never reordered within one connection. */
export class PeerTransport {
  readonly #options: TransportOptions;
  readonly #neighbours = new Map<MemberId, Neighbour>();
  readonly #keepalive = new Keepalive();
  readonly #forwarding: Forwarding;
  #events!: PeerEvents;
  #exchange!: Exchange;
  #snapshots!: SnapshotReceiver;
  #server: GrpcServer | null = null;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#forwarding = new Forwarding(options.identity, options.logger);
  }

  /** Rejects with ListenError. */
  async start(events: PeerEvents): Promise<void> {
    const { identity, listeners, journal, logger } = this.#options;
    this.#events = events;
    const hears = {
      greeted: (from: MemberId, hello: PeerHello) => this.#greeted(from, hello),
      messages: (from: MemberId, messages: readonly Message[], frameBytes: number) => {
        const traffic = this.#neighbours.get(from)?.traffic;
        if (traffic !== undefined) traffic.receivedBytes += frameBytes;
        events.messages(messages);
      },
      unreachable: (peer: MemberId) => this.#unreachable(peer),
      position: () => events.position(),
    };
    const keepalive = this.#keepalive;
    this.#exchange = new Exchange({ identity, known: journal, keepalive, logger }, hears);
    this.#snapshots = new SnapshotReceiver({
      identity,
      journal,
      deliver: (from, messageTerm, staged) => events.snapshot(from, messageTerm, staged),
      logger,
    });
    this.#server = this.#createServer();
    await listenOnAll(this.#server, listeners);
  }

  /** Streams of messages are reached by leaving HTTP/1.1, everything else is gRPC. */
  #createServer(): GrpcServer {
    const implementation: PeerHandlers = {
      InstallSnapshot: (call, answer) => this.#snapshots.receive(call, answer),
      SnapshotPosition: (call, answer) => this.#snapshots.tellPosition(call, answer),
      Forward: ({ request }, answer) => {
        const { identity, journal: known } = this.#options;
        void answerForwarded(request, { identity, known }, (call) => this.#events.forwarded(call), answer);
      },
      Members: (_call: ServerUnaryCall<unknown, MembersResponse>, answer: sendUnaryData<MembersResponse>) =>
        answer(null, this.#members()),
    };
    const definition = serviceDefinition(peerProto, peerService);
    return createGrpcServer([{ protoFile: peerProto, definition, implementation }], {
      reflection: false,
      'grpc.max_receive_message_length': storeLimits.receiveFrameBytesMax,
      http: (_request, response) => response.writeHead(404).end(),
      upgrade: { protocol: peerProtocol, take: (connection) => this.#exchange.take(connection) },
      logger: this.#options.logger,
    });
  }

  /** Connects to whom it is not connected yet, and lets go of whom is not among `peers` any more. */
  setPeers(
    peers: readonly { readonly id: MemberId; readonly name: string; readonly peerUrls: readonly string[] }[],
  ): void {
    for (const { id, name, peerUrls } of peers) {
      const targets = this.#options.targetsOf(peerUrls);
      const known = this.#neighbours.get(id);
      const address = { id, name, targets };
      if (known === undefined || targets.length === 0) this.#meet(address, false);
      else this.#keep(known, address);
    }
    const wanted = new Set(peers.map(({ id }) => id));
    for (const [id, { isVisitor }] of this.#neighbours) if (!wanted.has(id) && !isVisitor) this.#leave(id);
    for (const id of this.#neighbours.keys()) if (this.#options.identity.isRemoved(id)) this.#leave(id);
    this.#exchange.dismissRemoved();
  }

  send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const touched = new Set<PeerLink>();
    for (const message of messages) {
      const link = this.#neighbours.get(message.to)?.link;
      if (link === undefined) continue;
      link.send(message);
      touched.add(link);
    }
    for (const link of touched) link.flush();
  }

  /** See snapshot-sender.ts. */
  sendSnapshot(to: MemberId, messageTerm: number, state: OutgoingState): Promise<boolean> {
    const neighbour = this.#neighbours.get(to);
    if (neighbour === undefined) return Promise.reject(new Error(`${to} is no peer`));
    return sendSnapshot(state, messageTerm, to, neighbour.link.target, this.#options.identity);
  }

  /** See Forwarding. Where the peer was last found, for the stream of messages, it is asked. */
  async forward(
    to: MemberId,
    call: ForwardedCall,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ForwardedAnswer> {
    const neighbour = this.#neighbours.get(to);
    if (neighbour === undefined) throw new ReplicaError('no-leader');
    return this.#forwarding.forward(to, neighbour.link.target, call, timeoutMs, signal);
  }

  traffic(): readonly PeerTraffic[] {
    return Array.from(this.#neighbours.values(), ({ traffic }) => traffic);
  }

  async close(): Promise<void> {
    for (const { link } of this.#neighbours.values()) link.close();
    this.#neighbours.clear();
    this.#exchange?.close();
    this.#forwarding.close();
    await this.#server?.close(0);
    this.#snapshots?.close();
  }

  #meet(address: PeerAddress, isVisitor: boolean): void {
    this.#neighbours.get(address.id)?.link.close();
    this.#neighbours.delete(address.id);
    const { logger, identity } = this.#options;
    const { id, name, targets } = address;
    if (targets.length === 0) {
      logger.error({ peer: name || id.toString(16) }, 'none of the peer URLs of this member can be dialled');
      return;
    }
    const hears = {
      opened: (welcome: { readonly name: string; readonly clientUrls: readonly string[] }) =>
        this.#events.greeted(id, welcome),
      broken: () => this.#events.unreachable(id),
      disowned: (reason: string) => this.#events.disowned(reason),
      removed: () => this.#events.removed(),
    };
    const traffic = noTraffic(id);
    const link = new PeerLink(address, hears, { identity, keepalive: this.#keepalive, traffic, logger });
    this.#neighbours.set(id, { address, link, traffic, isVisitor });
  }

  /** A connection that works is kept, wherever its peer is to be found from now on: it may not be there yet. */
  #keep({ address: before, link, traffic }: Neighbour, address: PeerAddress): void {
    if (!sameTargets(before.targets, address.targets)) link.move(address);
    this.#neighbours.set(address.id, { address, link, traffic, isVisitor: false });
  }

  #leave(id: MemberId): void {
    this.#neighbours.get(id)?.link.close();
    this.#neighbours.delete(id);
  }

  #greeted(from: MemberId, { name, clientUrls, peerUrls }: PeerHello): void {
    const neighbour = this.#neighbours.get(from);
    neighbour?.link.hurry();
    if (neighbour === undefined) {
      const visitors = [...this.#neighbours.values()].filter(({ isVisitor }) => isVisitor).length;
      const targets = this.#options.targetsOf(peerUrls.slice(0, storeLimits.memberUrlsMax));
      if (visitors < storeLimits.visitorsMax && targets.length > 0)
        this.#meet({ id: from, name, targets }, true);
    }
    this.#events.greeted(from, { name, clientUrls });
  }

  #unreachable(peer: MemberId): void {
    if (this.#neighbours.get(peer)?.isVisitor) this.#leave(peer);
    this.#events.unreachable(peer);
  }

  #members(): MembersResponse {
    const { term, lastLogIndex } = this.#events.position();
    const members = this.#events
      .members()
      .map(({ id, isLearner, isWitness, name, peerUrls, clientUrls }) => ({
        id,
        name,
        peerUrls: [...peerUrls],
        clientUrls: [...clientUrls],
        isLearner,
        isWitness,
      }));
    return { clusterId: this.#options.identity.clusterId, members, term, lastLogIndex };
  }
}

const sameTargets = (left: readonly PeerTarget[], right: readonly PeerTarget[]): boolean =>
  left.length === right.length && left.every(({ target }, at) => target === right[at]?.target);
