import type { Command } from './command.js';
import type { Op } from './requests.js';
import type { KeyValue } from './types.js';

/** What a version costs beside its bytes, in bytes: objects, index and log entries as measured (docs/decisions/0025). */
const overheadBytesPerVersion = 160;
/** What a lease costs beside its keys, the leader's clock included. */
const overheadBytesPerLease = 400;

/** Of one version in memory. A key's versions share its bytes; they are counted with each. */
export const sizeOf = (kv: KeyValue): number => kv.key.length + kv.value.length + overheadBytesPerVersion;

/** Of the tombstone of a live key. */
export const deletionSizeOf = (kv: KeyValue): number => kv.key.length + overheadBytesPerVersion;

export const sizeOfLeases = (count: number): number => count * overheadBytesPerLease;

/** By how much a command can make the store and the room for its deletions grow, at most; 0: it is no command that does. */
export function growthOf(command: Command): number {
  switch (command.kind) {
    case 'put':
    case 'txn':
      return growthOfOp(command);
    case 'lease-grant':
      return overheadBytesPerLease;
    case 'delete-range':
    case 'compact':
    case 'compact-step':
    case 'lease-revoke':
    case 'lease-expire':
      return 0;
  }
}

function growthOfOp(op: Op): number {
  switch (op.kind) {
    case 'put':
      return 2 * (op.key.length + overheadBytesPerVersion) + op.value.length;
    case 'txn':
      return Math.max(growthOfAll(op.success), growthOfAll(op.failure));
    case 'range':
    case 'delete-range':
      return 0;
  }
}

function growthOfAll(ops: readonly Op[]): number {
  let bytes = 0;
  for (const op of ops) bytes += growthOfOp(op);
  return bytes;
}
