import { dataVotersOf, isWitness } from './configuration.js';
import { witnessWakeTicks } from './limits.js';
import type { Progress } from './progress.js';
import { isMajority } from './quorum.js';
import type { RaftState } from './state.js';
import { logIndex } from './types.js';
import type { LogIndex, MemberId, SnapshotMeta } from './types.js';

/**
 * Witnesses: voters that keep no data (docs/decisions/0011). Towards the rules of Raft they are voters like any other. What is different:
 *
 * - A leader sends them entries only while a voter that keeps data does not keep up; until then all of those must hold an entry for it to be
 *   committed, and a healthy cluster writes nothing on a witness.
 * - They keep the part of the log that not all voters with data hold, so that whoever survives can be brought up to date from it.
 * - One that wins an election only does that, and hands leadership over.
 */

/** Tells and remembers what witnesses may forget. It only grows while there are witnesses: what is on all disks stays there. */
export function heldByAll(state: RaftState): LogIndex {
  const { configuration, progress, log, rules } = state;
  if (configuration.witnesses.length === 0) return logIndex(0);
  if (state.role === 'leader' && !state.isWitness) {
    const matches = dataVotersOf(configuration).map((member) => progress.get(member)?.match ?? 0);
    state.heldByAll = Math.max(state.heldByAll, rules.heldByAll(matches, log.applied));
  }
  return logIndex(state.heldByAll);
}

/** A leader said so; of what this member does not hold itself it takes no notice. */
export function learnHeldByAll(state: RaftState, index: number): void {
  if (state.configuration.witnesses.length === 0 && !state.isWitness) return;
  state.heldByAll = Math.max(state.heldByAll, Math.min(index, state.log.commit));
}

/** On a new leader. After a transfer the others are known to be well; otherwise somebody is probably gone. */
export function startWatching(state: RaftState, wasTransferred: boolean): void {
  state.watch.start(!wasTransferred, state.nowTick);
  if (wasTransferred) for (const progress of state.progress.values()) progress.heard(state.nowTick);
}

/** On a leader, each tick. */
export function watchDataVoters(state: RaftState): void {
  const { watch, nowTick, config, log } = state;
  if (state.configuration.witnesses.length === 0) return;
  watch.tick(nowTick, config.heartbeatTicks + witnessWakeTicks, log.lastIndex);
  if (!watch.awake) wakeIfNeeded(state);
  else watch.awake = !dataVotersKeepUp(state);
}

/** Also when a connection broke. */
export function wakeIfNeeded(state: RaftState): void {
  if (state.role !== 'leader' || state.watch.awake || dataVotersKeepUp(state)) return;
  state.watch.awake = true;
  for (const [member, progress] of state.progress) {
    if (isWitness(state.configuration, member)) progress.probeFrom(progress.match + 1);
  }
}

/** All of them; and they are a majority without any witness. */
function dataVotersKeepUp({ configuration, progress, watch, nowTick, config, id }: RaftState): boolean {
  const withinTicks = config.heartbeatTicks + witnessWakeTicks;
  const dataVoters = dataVotersOf(configuration);
  const keepUp = dataVoters.every((member) => {
    const each = progress.get(member);
    if (each === undefined || each.unreachable || each.match < watch.expectedIndex) return false;
    return member === id || each.heardWithin(withinTicks, nowTick);
  });
  return keepUp && isMajority(configuration, (member) => dataVoters.includes(member));
}

/**
 * Where a witness' log is to begin when what it lacks is held by all voters with data, or compacted away here; null: it is sent entries.
 * Of the second: who keeps data and lacks what the leader has compacted needs the leader's state, and no witness can help it
 * should the leader be lost before.
 */
export function witnessStartFor(state: RaftState, { next }: Progress): SnapshotMeta | null {
  const { log, configurations, rules } = state;
  const start = logIndex(rules.witnessStart(heldByAll(state), log.compactedIndex, log.applied));
  const startTerm = log.termAt(start);
  if (next > start || startTerm === undefined) return null;
  return { index: start, term: startTerm, configuration: configurations.at(start) };
}

/** A witness that leads: whoever keeps data and holds its whole log takes over. Repeated with each answer, since it may be lost. */
export function handOverFromWitness(state: RaftState, member: MemberId, progress: Progress): void {
  const { configuration, log } = state;
  if (!state.isWitness || progress.mode.kind !== 'replicate' || progress.match < log.lastIndex) return;
  if (dataVotersOf(configuration).includes(member)) state.send({ kind: 'timeout-now', to: member });
}
