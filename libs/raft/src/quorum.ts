import type { Configuration, MemberId } from './types.js';

/**
 * Who is a majority. The only file that counts voters: joint configurations (§4.3) and witnesses change it and nothing else.
 */

export type ElectionOutcome = 'won' | 'lost' | 'pending';

export const majorityOf = (voterCount: number): number => Math.floor(voterCount / 2) + 1;

export const isVoter = (configuration: Configuration, member: MemberId): boolean =>
  configuration.voters.includes(member);

/**
 * The highest number that a majority has reached: the commit index from match indexes, the confirmed read from rounds.
 * Quadratic in the voters, who are few; it runs for each acknowledgement and allocates nothing.
 */
export function reachedByMajority(
  configuration: Configuration,
  numberOf: (member: MemberId) => number,
): number {
  const { voters } = configuration;
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
  configuration: Configuration,
  votes: ReadonlyMap<MemberId, boolean>,
): ElectionOutcome {
  const needed = majorityOf(configuration.voters.length);
  let granted = 0;
  let refused = 0;
  for (const voter of configuration.voters) {
    const vote = votes.get(voter);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  if (granted >= needed) return 'won';
  return configuration.voters.length - refused < needed ? 'lost' : 'pending';
}

export function isMajority(configuration: Configuration, has: (member: MemberId) => boolean): boolean {
  return configuration.voters.filter(has).length >= majorityOf(configuration.voters.length);
}
