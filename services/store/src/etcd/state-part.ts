import type { Term } from '@raftsman/raft';
import type { AppliedEntry, Row } from '../contract.js';

export type StoredRow = Row & { readonly value: Uint8Array };

/**
 * A kind of state beside the keys: small, and with commands and rows of its own, told apart by their first byte.
 *
 *     commands   1 mvcc   2 auth   3 alarms   4 a command with its proposer's identity around it
 *     rows       'A' alarms   'a' auth   'l' 'm' 'v' mvcc
 *
 * In libs/mvcc the first byte of a command is its format version, 1: no other part may take a number that a later format needs
 * without looking there.
 */
export interface StatePart {
  readonly commandByte: number;
  readonly rowByte: number;
  /** `data` begins with commandByte. Deterministic; a refusal is a result. Throws UnknownCommandError for what a newer version wrote. */
  apply(data: Uint8Array, term: Term): AppliedEntry;
  /** Replaces everything by what its rows say, which come in key order. Throws if they are not what this part wrote. */
  restore(rows: readonly StoredRow[]): void;
  /** All of it, in key order. */
  rows(): Iterable<StoredRow>;
}
