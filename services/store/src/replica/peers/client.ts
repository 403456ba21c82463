import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import type { StagedSnapshot } from '@raftsman/journal';
import type { MemberId, Message } from '@raftsman/raft';
import type { PeerClient } from '@raftsman/proto/gen/raftsman/raft/v1/Peer.js';
import { clientCredentials, loadService, wireLimits, type Security } from '@raftsman/wire';
import { storeLimits } from '../../limits.js';
import type { ForwardedAnswer, ForwardedCall, Member } from '../../contract.js';
import type { SelfDescription } from '../members/membership.js';
import { peerProto, peerService } from './contract.js';
import type { LogPosition } from './exchange.js';

/** What the transport tells the replica. */
export interface PeerEvents {
  /** In the order in which one peer sent them. */
  messages(messages: readonly Message[]): void;
  /** What a peer said of itself. */
  greeted(peer: MemberId, said: SelfDescription): void;
  /** An established stream to or from the peer broke. */
  unreachable(peer: MemberId): void;
  /** A peer knows this member by another data directory. */
  disowned(reason: string): void;
  /** A peer knows that this member was removed. */
  removed(): void;
  /** Who the members are, as far as this one knows. */
  members(): readonly Member[];
  /** How far this member is. */
  position(): LogPosition;
  /** A call that a peer passes on, because this member leads. Rejects with ReplicaError: nobody knows what became of it. */
  forwarded(call: ForwardedCall): Promise<ForwardedAnswer>;
  /** A whole snapshot is staged. Resolves when it is in use; false: not needed any more. */
  snapshot(from: MemberId, messageTerm: number, staged: StagedSnapshot): Promise<boolean>;
}

/** One of a peer's URLs. */
export interface PeerTarget {
  /** host:port. */
  readonly target: string;
  readonly security: Security;
}

export interface PeerAddress {
  readonly id: MemberId;
  readonly name: string;
  /** At least one; tried in turn. */
  readonly targets: readonly PeerTarget[];
}

const options: ChannelOptions = {
  'grpc.keepalive_time_ms': storeLimits.peerKeepaliveTimeMs,
  'grpc.keepalive_timeout_ms': storeLimits.peerKeepaliveTimeoutMs,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': storeLimits.receiveFrameBytesMax,
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.initial_reconnect_backoff_ms': storeLimits.reconnectBackoffMinMs,
  'grpc.max_reconnect_backoff_ms': storeLimits.reconnectBackoffMaxMs,
  // A connection is its client's alone, and ends with it.
  'grpc.use_local_subchannel_pool': 1,
};

/** Many calls share a connection, which asks for no life while there is none. */
const forwardingOptions: ChannelOptions = {
  ...options,
  'grpc.keepalive_permit_without_calls': 0,
  // What a client may be answered: all keys of a lease.
  'grpc.max_receive_message_length': wireLimits.receiveMessageBytesMax,
  'grpc.client_idle_timeout_ms': storeLimits.forwardIdleMs,
};

/** For what is rare: states, and who the members are. Messages have a stream of their own (peer-call.ts). Import it when it is needed: it brings grpc-js. */
export const createPeerClient = ({ target, security }: PeerTarget): PeerClient =>
  create(target, clientCredentials(security), options);

/** For calls that are passed on to the leader; a client stays with its credentials, whatever becomes of the files. Import it when it is needed. */
export const createForwardingClient = ({ target }: PeerTarget, credentials: ChannelCredentials): PeerClient =>
  create(target, credentials, forwardingOptions);

function create(target: string, credentials: ChannelCredentials, channelOptions: ChannelOptions): PeerClient {
  const Client = loadService(peerProto, peerService);
  return new Client(target, credentials, channelOptions) as unknown as PeerClient;
}
