import { createHash } from 'node:crypto';
import { memberId, type MemberId } from '@raftsman/raft';

/** One member as --initial-cluster names it. */
export interface InitialMember {
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly isWitness: boolean;
}

/** 52 bits of a SHA-256: whole numbers that a double holds exactly. Never 0, which means nobody. */
function hashOf(parts: readonly string[]): number {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return Number.parseInt(digest.slice(0, 13), 16) || 1;
}

/** The same on every member of the same initial cluster, whatever the order in which it is written. */
export function memberIdOf(member: Pick<InitialMember, 'name' | 'peerUrls'>, clusterToken: string): MemberId {
  return memberId(hashOf(['member', clusterToken, member.name, ...member.peerUrls.toSorted()]));
}

export function clusterIdOf(members: readonly InitialMember[], clusterToken: string): number {
  const ids = members.map((member) => String(memberIdOf(member, clusterToken))).toSorted();
  // Members that take different ones for witnesses must not begin a cluster together.
  const witnesses = members.filter(({ isWitness }) => isWitness).map(({ name }) => name);
  return hashOf([
    'cluster',
    ...ids,
    ...(witnesses.length === 0 ? [] : ['witnesses', ...witnesses.toSorted()]),
  ]);
}
