import type { MemberId, RaftStatus } from '@raftsman/raft';

/** On a leader, to whom it hands over: of the voters that keep data and answer the one that is furthest. null: nobody. */
export function successorOf({ id, progress, configuration }: RaftStatus): MemberId | null {
  const { voters, witnesses } = configuration;
  const mayLead = (peer: MemberId): boolean =>
    peer !== id && voters.includes(peer) && !witnesses.includes(peer);
  const peers = [...(progress ?? [])].filter(([peer, each]) => each.recentlyActive && mayLead(peer));
  const [successor] = peers.toSorted(([, left], [, right]) => right.match - left.match);
  return successor?.[0] ?? null;
}

/** Whether those that answer the leader are a majority without it: they can elect and commit what it does not write. */
export function canDoWithout({ id, progress, configuration }: RaftStatus): boolean {
  const answers = (member: MemberId): boolean =>
    member !== id && progress?.get(member)?.recentlyActive === true;
  const isMajority = (side: readonly MemberId[]): boolean => side.filter(answers).length > side.length / 2;
  const { voters, outgoing } = configuration;
  return isMajority(voters) && (outgoing.length === 0 || isMajority(outgoing));
}
