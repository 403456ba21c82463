import type { MvccStore, WatchHub } from '@raftsman/mvcc';
import type { AppliedEntry, StateMachine } from '../contract.js';
import { MvccPart, type LeaseListener } from './mvcc-part.js';
import type { StatePart, StoredRow } from './state-part.js';

export type { LeaseListener } from './mvcc-part.js';

/** All that is replicated: made before the replica, which feeds it, and read by the services. */
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
  return new PartedStateMachine();
}

/** Hands each command to the part whose first byte it has, or else to the keys'. */
class PartedStateMachine implements EtcdStateMachine {
  readonly #mvcc = new MvccPart();
  readonly #parts: readonly StatePart[] = [];

  get store(): MvccStore {
    return this.#mvcc.store;
  }

  get watches(): WatchHub {
    return this.#mvcc.watches;
  }

  get onActivity(): (() => void) | null {
    return this.#mvcc.onActivity;
  }

  set onActivity(listener: (() => void) | null) {
    this.#mvcc.onActivity = listener;
  }

  get leaseListener(): LeaseListener | null {
    return this.#mvcc.leaseListener;
  }

  set leaseListener(listener: LeaseListener | null) {
    this.#mvcc.leaseListener = listener;
  }

  apply({ term, data }: Parameters<StateMachine['apply']>[0]): AppliedEntry {
    const part = this.#parts.find(({ commandByte }) => commandByte === data[0]);
    return (part ?? this.#mvcc).apply(data, term);
  }

  async restore(rows: Parameters<StateMachine['restore']>[0]): Promise<void> {
    const waiting = this.#parts.map((): StoredRow[] => []);
    await this.#mvcc.restore(this.#keepApart(rows, waiting));
    for (const [at, part] of this.#parts.entries()) part.restore(waiting[at]!);
    this.#mvcc.replaced();
  }

  /** Yields the rows of no other part. */
  async *#keepApart(
    rows: AsyncIterable<StoredRow>,
    waiting: readonly StoredRow[][],
  ): AsyncGenerator<StoredRow> {
    for await (const row of rows) {
      const at = this.#parts.findIndex(({ rowByte }) => rowByte === row.key[0]);
      if (at === -1) yield row;
      else waiting[at]!.push(row);
    }
  }
}
