import { memberId, type MemberId } from '@raftsman/raft';
import type { Hello, Hello__Output } from '@raftsman/proto/gen/raftsman/raft/v1/Hello.js';

export const protocolVersion = 1;

/** What two members must agree on before they speak. */
export interface PeerIdentity {
  readonly clusterId: number;
  readonly self: MemberId;
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** All members but self. */
  readonly peers: ReadonlySet<MemberId>;
}

export function helloTo(to: MemberId, { clusterId, self, name, clientUrls }: PeerIdentity): Hello {
  return { protocolVersion, clusterId, from: self, to, name, clientUrls: [...clientUrls] };
}

export type Greeting =
  | { readonly kind: 'welcome'; readonly from: MemberId }
  | { readonly kind: 'refused'; readonly reason: string };

const hex = (id: string | number): string => Number(id).toString(16);

export function checkHello(hello: Hello__Output | null | undefined, identity: PeerIdentity): Greeting {
  const refused = (reason: string): Greeting => ({ kind: 'refused', reason });
  if (!hello) return refused('the first frame must say who is there');
  if (hello.protocolVersion !== protocolVersion)
    return refused(`peer protocol ${hello.protocolVersion} is not spoken here, only ${protocolVersion}`);
  if (Number(hello.clusterId) !== identity.clusterId)
    return refused(
      `member ${hello.name} is of cluster ${hex(hello.clusterId)}, this is ${hex(identity.clusterId)}: --initial-cluster or --initial-cluster-token differ`,
    );
  const from = memberId(Number(hello.from));
  if (!identity.peers.has(from)) return refused(`${hello.name} (${hex(from)}) is no member of this cluster`);
  if (Number(hello.to) !== identity.self)
    return refused(`this is member ${hex(identity.self)}, not ${hex(hello.to)}: its peer URL leads here`);
  return { kind: 'welcome', from };
}
