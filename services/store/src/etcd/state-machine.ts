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
import type { AppliedEntry, StateMachine } from '../contract.js';

/** Who wants to know when leases come and go: the lease keeper of a leader. */
export interface LeaseListener {
  granted(lease: Lease): void;
  removed(id: LeaseId): void;
  /** Everything was replaced. */
  replaced(): void;
}

/** MVCC as a state machine: made before the replica, which feeds it, and read by the services. */
export interface EtcdStateMachine extends StateMachine {
  /** The present store; a restore replaces it. */
  readonly store: MvccStore;
  readonly watches: WatchHub;
  /** Called when there may be something to publish or to catch up with; at most one listener. */
  onActivity: (() => void) | null;
  /** At most one. */
  leaseListener: LeaseListener | null;
}

export function createStateMachine(): EtcdStateMachine {
  return new MvccStateMachine();
}

class MvccStateMachine implements EtcdStateMachine {
  store = MvccStore.empty();
  readonly watches = new WatchHub(this.store.space);
  onActivity: (() => void) | null = null;
  leaseListener: LeaseListener | null = null;

  apply({ term, data }: Parameters<StateMachine['apply']>[0]): AppliedEntry {
    const command = decode(data);
    if (command instanceof MvccError) return { rows: [], result: command };
    // Watchers must have seen what a compaction removes.
    if (command.kind === 'compact' || this.store.compactionPending) this.watches.publish();
    const { rows, result, changes } = this.store.apply(command, term);
    if (!(result instanceof MvccError)) {
      if (result.kind === 'lease-grant') this.leaseListener?.granted(result.lease);
      if (result.kind === 'lease-revoke') this.leaseListener?.removed(result.id);
    }
    if (changes.length > 0 || command.kind === 'compact') this.onActivity?.();
    return { rows, result };
  }

  async restore(rows: Parameters<StateMachine['restore']>[0]): Promise<void> {
    this.store = await MvccStore.restore(rows);
    this.watches.replaceSpace(this.store.space);
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
