import { numberMax } from './limits.js';
import { assert } from './assert.js';
import { decodeConfiguration, isWellFormedConfiguration } from './configuration.js';
import type {
  Configuration,
  Entry,
  HardState,
  LogReader,
  MemberId,
  Message,
  RaftConfig,
  SnapshotMeta,
} from './types.js';

/** Gateways: messages from peers (answered false: dropped) and what the host starts the core with (asserted). */

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= numberMax;

/** Numbers that a correct member may send to `self`. Whether they are true is for the handlers. */
export function isWellFormed(message: Message, self: MemberId): boolean {
  const { from, to, term: messageTerm } = message;
  if (!isCount(from) || from === 0 || from === self || to !== self) return false;
  // Term 0 is before the first election: nobody has anything to say in it.
  if (!isCount(messageTerm) || messageTerm === 0) return false;
  switch (message.kind) {
    case 'vote-request':
      return (
        isCount(message.lastLogIndex) && isCount(message.lastLogTerm) && message.lastLogTerm <= messageTerm
      );
    case 'append-request':
      return (
        isCount(message.commit) &&
        isCount(message.heldByAll) &&
        areAppendable(message.prevLogIndex, message.prevLogTerm, message.entries, messageTerm)
      );
    case 'append-response':
      return isCount(message.index) && isCount(message.hintIndex) && isCount(message.hintTerm);
    case 'heartbeat-request':
      return (
        isCount(message.commit) &&
        isCount(message.readContext) &&
        isCount(message.heldByAll) &&
        isCount(message.sentAtMs)
      );
    case 'heartbeat-response':
      return isCount(message.readContext) && isCount(message.sentAtMs) && isCount(message.promiseMs);
    case 'snapshot-request':
    case 'witness-snapshot':
      return isSnapshot(message.meta) && message.meta.term <= messageTerm;
    case 'propose-request':
      return message.entries.every(({ type }) => type === 'normal');
    case 'read-index-request':
      return isCount(message.requestId);
    case 'read-index-response':
      return isCount(message.requestId) && isCount(message.index);
    case 'vote-response':
    case 'timeout-now':
      return true;
    default:
      return false;
  }
}

const isSnapshot = ({ index, term, configuration }: SnapshotMeta): boolean =>
  isCount(index) && isCount(term) && isWellFormedConfiguration(configuration);

/** Entries follow prevLogIndex one by one, and terms never fall nor exceed the leader's. */
function areAppendable(
  prevIndex: number,
  prevTerm: number,
  entries: readonly Entry[],
  leaderTerm: number,
): boolean {
  if (!isCount(prevIndex) || !isCount(prevTerm) || prevIndex + entries.length > numberMax) return false;
  let index = prevIndex;
  let termBefore = prevTerm;
  for (const entry of entries) {
    index += 1;
    if (entry.index !== index || !isCount(entry.term) || entry.term < termBefore || entry.term === 0)
      return false;
    if (entry.type === 'configuration' && decodeConfiguration(entry.data) === null) return false;
    termBefore = entry.term;
  }
  return termBefore <= leaderTerm;
}

export function assertConfig(config: RaftConfig): void {
  const { id, heartbeatTicks, electionTicks } = config;
  assert(isCount(id) && id > 0, () => `member id ${id}`);
  assert(Number.isInteger(heartbeatTicks) && heartbeatTicks >= 1, () => `heartbeatTicks ${heartbeatTicks}`);
  assert(
    Number.isInteger(electionTicks) && electionTicks > heartbeatTicks,
    () => `electionTicks ${electionTicks} must exceed heartbeatTicks ${heartbeatTicks}`,
  );
  const promiseMs = config.readLease?.promiseMs ?? 0;
  assert(isCount(promiseMs), () => `promiseMs ${promiseMs}`);
  assert(config.inflightAppendsMax >= 1, () => `inflightAppendsMax ${config.inflightAppendsMax}`);
  assert(
    config.appendBytesMax >= 1 && config.committedBytesMax >= 1 && config.uncommittedBytesMax >= 1,
    'byte limits must be positive',
  );
}

/** What the disk gave back must hold together; else it lost something that this member has promised. */
export function assertRestored(
  hardState: HardState,
  applied: number,
  configuration: Configuration,
  log: LogReader,
): void {
  const { commit, term: currentTerm } = hardState;
  assert(isWellFormedConfiguration(configuration), 'the configuration that was restored is none');
  assert(
    log.compactedIndex <= log.lastIndex && applied >= log.compactedIndex,
    () => `applied ${applied} is before the log, which is compacted up to ${log.compactedIndex}`,
  );
  assert(
    Math.max(commit, applied) <= log.lastIndex,
    () => `committed entries are lost: commit ${commit}, applied ${applied}, log up to ${log.lastIndex}`,
  );
  const lastTerm = log.termAt(log.lastIndex) ?? log.compactedTerm;
  assert(lastTerm <= currentTerm, () => `the log is of term ${lastTerm}, the hard state of ${currentTerm}`);
}
