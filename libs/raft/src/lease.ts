import type { Progress } from './progress.js';
import { reachedByMajority } from './quorum.js';
import type { RaftState } from './state.js';

/**
 * Read leases (§6.4.1), by explicit promises (docs/decisions/0012): who answers a heartbeat says for how long it will help nobody else to be
 * elected. Until a majority's promises end there is no other leader, and reads need no round.
 *
 * Promises run on the clock of who gives them, leases on that of the leader, from the sending of the heartbeat; a share of each promise is
 * left for the difference of the clocks.
 */

/** Whole milliseconds; 0 where there are no leases. Rounded down: a lease may begin early and never late. */
export const stampMs = ({ config: { readLease } }: RaftState): number =>
  readLease === undefined ? 0 : Math.max(1, Math.floor(readLease.nowMs()));

/** On a follower, for a heartbeat whose leader asks for it (`sentAtMs` is not 0). Answers what it promises, in milliseconds. */
export function promise(state: RaftState, sentAtMs: number): number {
  const { readLease } = state.config;
  if (readLease === undefined || sentAtMs === 0) return 0;
  state.promisedUntilMs = Math.max(state.promisedUntilMs, readLease.nowMs() + readLease.promiseMs);
  return readLease.promiseMs;
}

/** What was promised before a restart is forgotten, so a member that may have promised waits as long as it ever would. */
export function promiseAfterRestart(state: RaftState): void {
  const { readLease } = state.config;
  if (readLease === undefined || state.term === 0) return;
  state.promisedUntilMs = readLease.nowMs() + state.rules.promiseAfterRestart(readLease.promiseMs);
}

/** Nobody may be helped now: no vote, and no election of its own. Only the leader itself can set it aside (§3.10): it has given its lease up. */
export function isPromised({ config: { readLease }, promisedUntilMs, rules }: RaftState): boolean {
  return readLease !== undefined && rules.keepsPromise(readLease.nowMs() < promisedUntilMs);
}

/** On the leader. An answer to something that it has not sent yet is none. */
export function notePromise(state: RaftState, progress: Progress, sentAtMs: number, promiseMs: number): void {
  if (promiseMs === 0 || sentAtMs === 0 || sentAtMs > stampMs(state)) return;
  const untilMs = sentAtMs + state.rules.leaseMs(promiseMs);
  progress.promisedUntilMs = Math.max(progress.promisedUntilMs, untilMs);
}

/** Nobody else leads at this moment. Not after a transfer was asked for, in this whole term: the request may still be on its way. */
export function holdsLease(state: RaftState): boolean {
  const { config, role, progress, rules, handedOver, id } = state;
  if (config.readLease === undefined || role !== 'leader' || !rules.mayUseLease(handedOver)) return false;
  const untilMs = reachedByMajority(state.counted, (member) =>
    member === id ? Infinity : (progress.get(member)?.promisedUntilMs ?? 0),
  );
  return config.readLease.nowMs() < untilMs;
}
