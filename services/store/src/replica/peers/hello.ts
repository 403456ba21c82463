import type { Journal } from '@raftsman/journal';
import { memberId, type MemberId } from '@raftsman/raft';

export const protocolVersion = 4;

/** How a stream of messages is asked for. */
export const peerProtocol = `raftsman-peer/${protocolVersion}`;

/** What a member says first, of itself and of whom it looks for. Ids that came by gRPC (proto/raft/peer.proto: Hello) are texts. */
export interface PeerHello {
  readonly protocolVersion: number;
  readonly clusterId: number | string;
  readonly from: number | string;
  readonly to: number | string;
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** Drawn when the sender's data directory was new. The receiver remembers the first that it hears of. */
  readonly dataId: number | string;
  /**
   * The sender says that it lost its data: the receiver forgets the data directory that it knew. Nothing follows on such a stream; what the welcome
   * says is how far the sender may have promised anything.
   */
  readonly rebuild?: boolean;
  /** Those of the sender, for a receiver whose log does not know it yet. */
  readonly peerUrls: readonly string[];
  /**
   * The sender begins with an empty log and asks whether it was ever met with another data directory (`met` in the welcome). The receiver remembers the
   * present one if it was not. Nothing follows on such a stream.
   */
  readonly joining?: boolean;
}

/** What two members must agree on before they speak. */
export interface PeerIdentity {
  readonly clusterId: number;
  readonly self: MemberId;
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** For members that do not know this one yet. */
  readonly peerUrls: readonly string[];
  /** Of the data directory. */
  readonly dataId: number;
  /** Whether a member was removed for good. */
  readonly isRemoved: (id: MemberId) => boolean;
  /** Whether one is in the configuration in use, committed or not. */
  readonly isMember: (id: MemberId) => boolean;
}

export function helloTo(to: MemberId, identity: PeerIdentity) {
  const { clusterId, self, name, clientUrls, peerUrls, dataId } = identity;
  const urls = { clientUrls: [...clientUrls], peerUrls: [...peerUrls] };
  return { protocolVersion, clusterId, from: self, to, name, dataId, ...urls } satisfies PeerHello;
}

export type Greeting =
  /** `met`: it came with another data directory before. */
  | { readonly kind: 'welcome'; readonly from: MemberId; readonly met: boolean }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'removed'; readonly reason: string }
  /** It is known by another data directory. */
  | { readonly kind: 'lost'; readonly reason: string };

/** By which data directories the others are known: what they promised (votes, acknowledgements) is in there and nowhere else. */
export type KnownPeers = Pick<Journal, 'peerDataId' | 'rememberPeer'>;

/** `checkHello`, and whether it comes with the data directory that it came with before. The first one is remembered before it is welcome. */
export async function meet(
  hello: PeerHello | null | undefined,
  identity: PeerIdentity,
  known: KnownPeers,
): Promise<Greeting> {
  const greeting = checkHello(hello, identity);
  if (!hello || greeting.kind !== 'welcome') return greeting;
  const { from } = greeting;
  const dataId = Number(hello.dataId);
  const before = known.peerDataId(from);
  if (before === dataId) return greeting;
  const met = before !== undefined;
  if (met && hello.joining) return { ...greeting, met };
  if (met && !hello.rebuild) return lost(hello);
  await known.rememberPeer(from, dataId);
  return { ...greeting, met };
}

/** Its stream of messages has not said hello here yet: it will. */
export interface Unmet {
  readonly kind: 'unmet';
  readonly reason: string;
}

/**
 * `checkHello` of a member of the configuration in use that was met already, with the same data directory. For what comes beside the stream of messages:
 * nobody is remembered by it, so that it costs no write, whoever asks however often.
 */
export function recognise(
  hello: PeerHello | null | undefined,
  identity: PeerIdentity,
  known: Pick<KnownPeers, 'peerDataId'>,
): Greeting | Unmet {
  const greeting = checkHello(hello, identity);
  if (!hello || greeting.kind !== 'welcome') return greeting;
  const { from } = greeting;
  if (!identity.isMember(from))
    return { kind: 'refused', reason: `${hex(from)} is no member of this cluster` };
  const before = known.peerDataId(from);
  if (before === undefined) return { kind: 'unmet', reason: `member ${hex(from)} has not been met yet` };
  return before === Number(hello.dataId) ? greeting : lost(hello);
}

const lost = ({ name }: PeerHello): Greeting => ({
  kind: 'lost',
  reason: `member ${name} comes with another data directory than before: its log and its votes are lost. Empty its data directory and start it with --initial-cluster-state=existing while all other members are up`,
});

/** etcd's words. */
export const removedLine = 'the member has been permanently removed from the cluster';

const hex = (id: string | number): string => Number(id).toString(16);

export function checkHello(hello: PeerHello | null | undefined, identity: PeerIdentity): Greeting {
  const refused = (reason: string): Greeting => ({ kind: 'refused', reason });
  if (!hello) return refused('the first frame must say who is there');
  if (hello.protocolVersion !== protocolVersion)
    return refused(`peer protocol ${hello.protocolVersion} is not spoken here, only ${protocolVersion}`);
  if (Number(hello.clusterId) !== identity.clusterId)
    return refused(
      `member ${hello.name} is of cluster ${hex(hello.clusterId)}, this is ${hex(identity.clusterId)}: --initial-cluster or --initial-cluster-token differ`,
    );
  const from = memberId(Number(hello.from));
  if (!Number.isSafeInteger(from) || from <= 0 || from === identity.self)
    return refused(`${hello.name} (${hex(from)}) cannot be a member of this cluster`);
  if (identity.isRemoved(from)) return { kind: 'removed', reason: removedLine };
  if (Number(hello.to) !== identity.self)
    return refused(`this is member ${hex(identity.self)}, not ${hex(hello.to)}: its peer URL leads here`);
  return { kind: 'welcome', from, met: false };
}
