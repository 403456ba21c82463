import { keyRange, type KeyValue, type Revision, type Watcher, type WatchSink } from '@raftsman/mvcc';
import type { Concurrency } from './concurrency.js';
import { etcdError } from './errors.js';

/** Changes for one reader, who takes them batch by batch; while one waits for the reader, none is added. */
export class Changes implements WatchSink {
  readonly #concurrency: Concurrency;
  readonly #watcher: Watcher;
  #batch: { readonly changes: readonly KeyValue[]; readonly upTo: Revision } | null = null;
  #compacted = false;
  #wanted: (() => void) | null = null;

  constructor(concurrency: Concurrency, key: Buffer, rangeEnd: Buffer, from: Revision) {
    this.#concurrency = concurrency;
    const range = keyRange(key.toString('latin1'), rangeEnd.toString('latin1'));
    const spec = { range, startRevision: from, noPut: false, noDelete: false };
    this.#watcher = concurrency.context.stateMachine.watches.watch(spec, this);
    concurrency.pump.wake();
  }

  ready(): boolean {
    return this.#batch === null;
  }

  events(_watcher: Watcher, changes: readonly KeyValue[], upTo: Revision): void {
    this.#batch = { changes, upTo };
    this.#wanted?.();
  }

  compacted(): void {
    this.#compacted = true;
    this.#wanted?.();
  }

  /** Rejects with EtcdError. */
  async next(signal: AbortSignal): Promise<{ changes: readonly KeyValue[]; upTo: Revision }> {
    if (this.#batch === null && !this.#compacted)
      await this.#concurrency.waiters.wait<void>(signal, (resolve) => (this.#wanted = resolve));
    this.#wanted = null;
    if (this.#batch === null) throw etcdError('compacted');
    const batch = this.#batch;
    this.#batch = null;
    this.#concurrency.pump.wake();
    return batch;
  }

  close(): void {
    this.#concurrency.context.stateMachine.watches.cancel(this.#watcher);
  }
}
