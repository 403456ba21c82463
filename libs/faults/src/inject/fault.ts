/** A fault that is in force. Words for people: what was done, and what undoing it will do. */
export interface Injected {
  readonly did: string;
  readonly undoing: string;
  /** Idempotent. Rejects if the fault may still be in force. */
  undo(): Promise<void>;
}

/** A fault cannot be injected here: a missing privilege, program or kernel module. */
export class FaultError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FaultError';
  }
}

/** `active` → `undone`, or `undo-failed`, from where undoing may be tried again. */
export interface LedgerEntry {
  readonly id: number;
  readonly did: string;
  readonly undoing: string;
  readonly status: 'active' | 'undone' | 'undo-failed';
  /** Why undoing failed. */
  readonly error?: string;
}

/** All faults of one run: each has a number, is listed, and can be undone alone or with all others. */
export class FaultLedger {
  readonly #faults = new Map<number, Injected>();
  readonly #entries = new Map<number, LedgerEntry>();
  #lastId = 0;
  #isClosed = false;

  /** Rejects with what the injection rejects with, and with FaultError once the ledger is closed. */
  async inject(injection: () => Promise<Injected>): Promise<number> {
    if (this.#isClosed) throw new FaultError('no faults any more: the run is being healed');
    const fault = await injection();
    const id = ++this.#lastId;
    this.#faults.set(id, fault);
    this.#entries.set(id, { id, did: fault.did, undoing: fault.undoing, status: 'active' });
    // Closed while the injection was under way: whoever healed the others did not know of this one.
    if (this.#isClosed) await this.undo(id);
    return id;
  }

  /** Rejects if the fault may still be in force. */
  async undo(id: number): Promise<void> {
    const fault = this.#faults.get(id);
    if (fault === undefined) return;
    const { did, undoing } = fault;
    try {
      await fault.undo();
      this.#faults.delete(id);
      this.#entries.set(id, { id, did, undoing, status: 'undone' });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#entries.set(id, { id, did, undoing, status: 'undo-failed', error: reason });
      throw error;
    }
  }

  /** Undoes all, the last first, whatever fails on the way; rejects with an AggregateError of what did. */
  async healAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const id of [...this.#faults.keys()].reverse())
      await this.undo(id).catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw new AggregateError(errors, 'some faults could not be undone');
  }

  /** Takes no faults any more, and heals. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.healAll();
  }

  list(): readonly LedgerEntry[] {
    return [...this.#entries.values()];
  }
}
