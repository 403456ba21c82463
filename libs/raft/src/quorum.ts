import type { Configuration, MemberId } from './types.js';

/**
 * Who is a majority. The only file that counts voters. In a joint configuration (§4.3) whatever needs a majority needs one of the
 * voters and one of the outgoing ones; a witness counts like any voter.
 */

export type ElectionOutcome = 'won' | 'lost' | 'pending';

export const majorityOf = (voterCount: number): number => Math.floor(voterCount / 2) + 1;

export const isVoter = ({ voters, outgoing }: Configuration, member: MemberId): boolean =>
  voters.includes(member) || outgoing.includes(member);

/** The highest number that a majority has reached: the commit index from match indexes, the confirmed read from rounds. */
export function reachedByMajority(
  { voters, outgoing }: Configuration,
  numberOf: (member: MemberId) => number,
): number {
  const reached = reachedAmong(voters, numberOf);
  return outgoing.length === 0 ? reached : Math.min(reached, reachedAmong(outgoing, numberOf));
}

/** Quadratic in the voters, who are few; it runs for each acknowledgement and allocates nothing. */
function reachedAmong(voters: readonly MemberId[], numberOf: (member: MemberId) => number): number {
  const needed = majorityOf(voters.length);
  let highest = 0;
  for (const voter of voters) {
    const candidate = numberOf(voter);
    if (candidate <= highest) continue;
    let reached = 0;
    for (const other of voters) if (numberOf(other) >= candidate) reached += 1;
    if (reached >= needed) highest = candidate;
  }
  return highest;
}

export function electionOutcome(
  { voters, outgoing }: Configuration,
  votes: ReadonlyMap<MemberId, boolean>,
): ElectionOutcome {
  const outcome = outcomeAmong(voters, votes);
  if (outgoing.length === 0 || outcome === 'lost') return outcome;
  const ofOutgoing = outcomeAmong(outgoing, votes);
  return ofOutgoing === 'won' ? outcome : ofOutgoing;
}

function outcomeAmong(voters: readonly MemberId[], votes: ReadonlyMap<MemberId, boolean>): ElectionOutcome {
  const needed = majorityOf(voters.length);
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  if (granted >= needed) return 'won';
  return voters.length - refused < needed ? 'lost' : 'pending';
}

export function isMajority({ voters, outgoing }: Configuration, has: (member: MemberId) => boolean): boolean {
  const isMajorityOf = (side: readonly MemberId[]): boolean =>
    side.filter(has).length >= majorityOf(side.length);
  return isMajorityOf(voters) && (outgoing.length === 0 || isMajorityOf(outgoing));
}

/** Without a member that keeps data no majority may come about: witnesses alone know no state. */
export function majoritiesKeepData({ voters, outgoing, witnesses }: Configuration): boolean {
  const keepsData = (side: readonly MemberId[]): boolean =>
    side.filter((member) => witnesses.includes(member)).length < majorityOf(side.length);
  return keepsData(voters) && keepsData(outgoing);
}
