import { MalformedError, MvccError, type MvccStore, type WatchHub } from '@raftsman/mvcc';
import type { Term } from '@raftsman/raft';
import { decodeAs, identityCommandByte } from '../auth/commands.js';
import type { AuthState } from '../auth/state.js';
import type { TokenTable } from '../auth/tokens.js';
import type { Identity } from '../auth/types.js';
import type { AppliedEntry, StateMachine } from '../contract.js';
import { AlarmPart } from './alarm-part.js';
import { AuthPart } from './auth-part.js';
import { MvccPart, type LeaseListener } from './mvcc-part.js';
import type { OperationCounts } from './operation-counts.js';
import type { StatePart, StoredRow } from './state-part.js';

export type { LeaseListener } from './mvcc-part.js';

/** All that is replicated: made before the replica, which feeds it, and read by the services. */
export interface EtcdStateMachine extends StateMachine {
  /** The present store; a restore replaces it. */
  readonly store: MvccStore;
  readonly watches: WatchHub;
  /** The present users and roles; a restore replaces them. */
  readonly auth: AuthState;
  readonly tokens: TokenTable;
  readonly alarms: AlarmPart;
  readonly counts: OperationCounts;
  /** Called when there may be something to publish or to catch up with; at most one listener. */
  onActivity: (() => void) | null;
  /** At most one. */
  leaseListener: LeaseListener | null;
  /** All of the durable form, in key order. */
  rows(): Iterable<StoredRow>;
}

export function createStateMachine(): EtcdStateMachine {
  return new PartedStateMachine();
}

/** Hands each command to the part whose first byte it has, or else to the keys', if the users' allows it. */
class PartedStateMachine implements EtcdStateMachine {
  readonly alarms = new AlarmPart();
  readonly #mvcc = new MvccPart();
  readonly #auth = new AuthPart();
  /** In the order of their rows, which come before the keys'. */
  readonly #parts: readonly StatePart[] = [this.alarms, this.#auth];

  get store(): MvccStore {
    return this.#mvcc.store;
  }

  get watches(): WatchHub {
    return this.#mvcc.watches;
  }

  get auth(): AuthState {
    return this.#auth.state;
  }

  get tokens(): TokenTable {
    return this.#auth.tokens;
  }

  get counts(): OperationCounts {
    return this.#mvcc.counts;
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

  *rows(): Generator<StoredRow> {
    for (const part of this.#parts) yield* part.rows();
    yield* this.#mvcc.store.rows();
  }

  apply({ term, data }: Parameters<StateMachine['apply']>[0]): AppliedEntry {
    if (data[0] !== identityCommandByte) return this.#apply(data, term, null);
    const wrapped = unwrap(data);
    if (wrapped instanceof MvccError) return { rows: [], result: wrapped };
    return this.#apply(wrapped.command, term, wrapped.identity);
  }

  async restore(batches: Parameters<StateMachine['restore']>[0]): Promise<void> {
    const waiting = this.#parts.map((): StoredRow[] => []);
    await this.#mvcc.restore(this.#keepApart(batches, waiting));
    for (const [at, part] of this.#parts.entries()) part.restore(waiting[at]!);
    this.#mvcc.replaced();
  }

  #apply(data: Uint8Array, term: Term, identity: Identity | null): AppliedEntry {
    if (data[0] === this.#auth.commandByte) return this.#auth.applyAs(data, identity);
    const part = this.#parts.find(({ commandByte }) => commandByte === data[0]);
    if (part !== undefined) return part.apply(data, term);
    return this.#mvcc.apply(
      data,
      term,
      (command) => this.alarms.refusal(command) ?? this.#auth.refusal(command, identity, this.store.leases),
    );
  }

  /** Leaves the keys' rows, and takes those of the other parts, which come first. */
  async *#keepApart(
    batches: AsyncIterable<readonly StoredRow[]>,
    waiting: readonly StoredRow[][],
  ): AsyncGenerator<readonly StoredRow[]> {
    let inKeys = false;
    for await (const rows of batches) {
      let first = 0;
      for (; !inKeys && first < rows.length; first += 1) {
        const at = this.#parts.findIndex(({ rowByte }) => rowByte === rows[first]!.key[0]);
        inKeys = at === -1;
        if (inKeys) break;
        waiting[at]!.push(rows[first]!);
      }
      yield first === 0 ? rows : rows.slice(first);
    }
  }
}

/** As with the commands within: malformed for all alike, or the end of a member that is too old. */
function unwrap(data: Uint8Array): ReturnType<typeof decodeAs> | MvccError {
  try {
    return decodeAs(data);
  } catch (error) {
    if (error instanceof MalformedError) return new MvccError('malformed-command', error.message);
    throw error;
  }
}
