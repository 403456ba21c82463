import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  decodeCommand,
  MalformedError,
  MvccError,
  MvccStore,
  WatchHub,
  type Command,
  type Lease,
  type LeaseId,
} from '@raftsman/mvcc';
import type { Term } from '@raftsman/raft';
import type { AppliedEntry } from '../contract.js';
import { OperationCounts } from './operation-counts.js';
import type { StoredRow } from './state-part.js';

/** Who wants to know when leases come and go: the lease keeper of a leader. */
export interface LeaseListener {
  granted(lease: Lease): void;
  removed(id: LeaseId): void;
  /** Everything was replaced. */
  replaced(): void;
}

/** Keys, leases and their watches. */
export class MvccPart {
  store = MvccStore.empty();
  readonly watches = new WatchHub(this.store.space);
  onActivity: (() => void) | null = null;
  leaseListener: LeaseListener | null = null;
  readonly counts = new OperationCounts();

  /** `refusal`: why a command must not be applied; null: it may be. */
  apply(data: Uint8Array, term: Term, refusal: (command: Command) => Error | null): AppliedEntry {
    const command = decode(data);
    if (command instanceof MvccError) return { rows: [], result: command };
    const refused = refusal(command);
    if (refused !== null) return { rows: [], result: refused };
    // Watchers must have seen what a compaction removes.
    if (command.kind === 'compact' || this.store.compactionPending) this.watches.publish();
    const { rows, result, changes } = this.store.apply(command, term);
    if (!(result instanceof MvccError)) {
      this.counts.add(result);
      if (result.kind === 'lease-grant') this.leaseListener?.granted(result.lease);
      if (result.kind === 'lease-revoke') this.leaseListener?.removed(result.id);
    }
    if (changes.length > 0 || command.kind === 'compact') this.onActivity?.();
    return { rows, result };
  }

  async restore(batches: AsyncIterable<readonly StoredRow[]>): Promise<void> {
    this.store = await MvccStore.restore(batches, () => nextTurn());
    this.watches.replaceSpace(this.store.space);
  }

  /** After every part has been restored. */
  replaced(): void {
    this.leaseListener?.replaced();
    this.onActivity?.();
  }
}

/** What no version writes is refused by every member alike; what a newer version wrote ends this one (UnknownCommandError). */
function decode(data: Uint8Array): Command | MvccError {
  try {
    return decodeCommand(data);
  } catch (error) {
    if (error instanceof MalformedError) return new MvccError('malformed-command', error.message);
    throw error;
  }
}
