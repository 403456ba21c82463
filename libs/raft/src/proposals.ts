import { entrySizeBytes } from './log.js';
import { isVoter } from './quorum.js';
import type { RaftState } from './state.js';
import { isWitness } from './configuration.js';
import { logIndex } from './types.js';
import type { Entry, EntryType, Refusal } from './types.js';

/** What clients want in the log (§3.5): on the leader, or forwarded to it. */

export type Proposal = { readonly type: EntryType; readonly data: Uint8Array };

/** Appends to a leader's own log. Replication follows when the messages are next drained: proposals in between share an append. */
export function appendOwn(state: RaftState, proposals: readonly Proposal[]): void {
  let index = state.log.lastIndex as number;
  const entries = proposals.map(({ type, data }): Entry => {
    index += 1;
    return { index: logIndex(index), term: state.term, type, data };
  });
  for (const entry of entries) state.uncommittedBytes += entrySizeBytes(entry);
  state.append(entries);
}

const sizeBytesOf = (proposals: readonly Proposal[]): number =>
  proposals.reduce((sizeBytes, proposal) => sizeBytes + entrySizeBytes(proposal), 0);

/** Why a leader takes no proposal now. An oversized one is taken when nothing else waits, so that none starves. */
export function leaderRefusal(state: RaftState, proposals: readonly Proposal[]): Refusal | null {
  if (state.isWitness) return 'witness';
  if (state.transferee !== null) return 'no-leader';
  const { uncommittedBytes, config } = state;
  const isTooMuch = uncommittedBytes + sizeBytesOf(proposals) > config.uncommittedBytesMax;
  return uncommittedBytes > 0 && isTooMuch ? 'too-many-uncommitted' : null;
}

export function proposeAsLeader(state: RaftState, proposals: readonly Proposal[]): Refusal | null {
  const refusal = leaderRefusal(state, proposals);
  if (refusal === null) appendOwn(state, proposals);
  return refusal;
}

/** Whoever may ask for anything: why this member serves no proposals and no reads. */
export function serviceRefusal(state: RaftState): Refusal | null {
  const { configuration, leader } = state;
  if (state.isWitness) return 'witness';
  // A leader that is removing itself goes on until that is committed (§4.2.2).
  if (!isVoter(configuration, state.id) && state.role !== 'leader') return 'not-a-member';
  // A witness leads only to make somebody else lead.
  return leader === null || isWitness(configuration, leader) ? 'no-leader' : null;
}

/** On a follower the proposals go to the leader. */
export function propose(state: RaftState, proposals: readonly Proposal[]): Refusal | null {
  const refusal = serviceRefusal(state);
  if (refusal !== null || proposals.length === 0) return refusal;
  if (proposals.some(({ type }) => type !== 'normal')) return 'unfitting-configuration';
  if (state.role === 'leader') return proposeAsLeader(state, proposals);
  const { leader, forwardedBytes, config } = state;
  if (leader === null) return 'no-leader';
  const sizeBytes = sizeBytesOf(proposals);
  if (forwardedBytes > 0 && forwardedBytes + sizeBytes > config.uncommittedBytesMax) {
    return 'too-many-uncommitted';
  }
  state.forwardedBytes += sizeBytes;
  state.send({ kind: 'propose-request', to: leader, entries: proposals });
  return null;
}
