import { Compaction } from './compaction.js';
import type { Command } from './command.js';
import { versionsOf } from './key-history.js';
import type { KeyRange } from './key-range.js';
import { KeySpace, type Page, type PageBounds } from './key-space.js';
import { LeaseTable, type Lease } from './lease-table.js';
import { mvccLimits } from './limits.js';
import { evaluateRange } from './range.js';
import type {
  DeleteRangeResult,
  PutResult,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
} from './requests.js';
import { Restoration } from './restoration.js';
import {
  compactionRow,
  leaseRow,
  removedLeaseRow,
  removedVersionRow,
  versionRow,
  type Row,
  type StoredRow,
} from './rows.js';
import { checkPath, choosePath, readPath, runPath } from './txn.js';
import { MvccError, type KeyValue, type LeaseId, type Revision } from './types.js';
import { checkPut, Write } from './write.js';

export type CommandResult =
  | PutResult
  | DeleteRangeResult
  | TxnResult
  | { readonly kind: 'compact'; readonly revision: Revision; readonly pending: boolean }
  | { readonly kind: 'lease-grant'; readonly revision: Revision; readonly lease: Lease }
  | { readonly kind: 'lease-revoke'; readonly revision: Revision; readonly id: LeaseId }
  | MvccError;

export interface Applied {
  readonly result: CommandResult;
  /** The changes of the new revision; empty: there is none. */
  readonly changes: readonly KeyValue[];
  /** No two have the same key. Can be read once more, and later: what is to be written does not change. */
  readonly rows: Iterable<Row>;
}

/**
 * The revisioned store. Deterministic: what it becomes depends on the commands and their order alone.
 * Reads are synchronous and see the last applied command.
 */
export class MvccStore {
  readonly #space: KeySpace;
  readonly #leases: LeaseTable;
  readonly #compaction: Compaction;

  private constructor(space: KeySpace, leases: LeaseTable, compaction: Compaction) {
    this.#space = space;
    this.#leases = leases;
    this.#compaction = compaction;
  }

  static empty(): MvccStore {
    const space = new KeySpace();
    return new MvccStore(space, new LeaseTable(), new Compaction(space));
  }

  /**
   * Builds the store from all its rows in key order. Each batch is taken in at once; `pause` is called between pieces of bounded work
   * after the last one, to let others run. Rejects if the rows are not what a store wrote.
   */
  static async restore(
    batches: AsyncIterable<readonly StoredRow[]>,
    pause: () => Promise<void> = () => Promise.resolve(),
  ): Promise<MvccStore> {
    const restoration = new Restoration();
    for await (const rows of batches) restoration.add(rows);
    const building = restoration.build();
    for (;;) {
      const step = building.next();
      if (step.done) return new MvccStore(step.value.space, step.value.leases, step.value.compaction);
      await pause();
    }
  }

  get revision(): Revision {
    return this.#space.revision;
  }

  /** The oldest revision that can be read or watched; -1 before the first compaction. */
  get compactRevision(): Revision {
    return this.#space.compactRevision;
  }

  /** Whether compacted versions are still to be removed. */
  get compactionPending(): boolean {
    return this.#compaction.pending;
  }

  /** Estimated bytes of keys, values, their history and the leases in memory. */
  get sizeBytes(): number {
    return this.#space.sizeBytes + this.#leases.sizeBytes;
  }

  /** By how much that would grow if every key were deleted, until a compaction: deletions must find this much room. */
  get deletionBytes(): number {
    return this.#space.deletionBytes;
  }

  get leases(): Pick<LeaseTable, 'get' | 'all' | 'size'> {
    return this.#leases;
  }

  /** For watchers and checks; not to be changed. */
  get space(): Pick<KeySpace, 'index' | 'log' | 'previous' | 'revision' | 'compactRevision'> {
    return this.#space;
  }

  /** Throws MvccError. */
  range(request: RangeRequest): RangeResult {
    return evaluateRange(this.#space, request, this.#space.revision);
  }

  /** The first part of a range as it was at a revision: to read all of it without holding up others. Throws MvccError. */
  page(range: KeyRange, at: Revision, bounds: PageBounds): Page {
    return this.#space.page(range, this.#space.readRevision(at, this.revision), bounds);
  }

  /** A transaction without writes. Throws MvccError. */
  read(txn: TxnRequest): TxnResult {
    return readPath(choosePath(txn, this.#space), this.#space);
  }

  /** `term`: that in which the command was logged. A refusal is a result and changes nothing. */
  apply(command: Command, term: number): Applied {
    const rows: Row[] = [];
    const write = new Write(this.#space, this.#leases);
    let result: CommandResult;
    try {
      result = this.#run(command, term, write, rows);
    } catch (error) {
      if (!(error instanceof MvccError)) throw error;
      result = error;
    }
    if (this.#compaction.pending) this.#compactStep(rows);
    if (!(result instanceof MvccError) && result.kind === 'compact') {
      result = { ...result, pending: this.#compaction.pending };
    }
    return { result, changes: write.changes, rows: withVersions(rows, write.changes) };
  }

  /** Every row, in key order. */
  *rows(): Generator<StoredRow> {
    const leases = [...this.#leases.all()].map(leaseRow).sort((a, b) => Buffer.compare(a.key, b.key));
    for (const row of leases) yield row as StoredRow;
    if (this.compactRevision >= 0) yield this.#compactionRow() as StoredRow;
    const versions: KeyValue[] = [];
    this.#space.index.scan('', null, (history) => {
      for (const kv of versionsOf(history)) versions.push(kv);
      return true;
    });
    versions.sort((a, b) => a.modRevision - b.modRevision || a.sub - b.sub);
    for (const kv of versions) yield versionRow(kv) as StoredRow;
  }

  #run(command: Command, term: number, write: Write, rows: Row[]): CommandResult {
    switch (command.kind) {
      case 'put':
        checkPut(command, this.#space, this.#leases);
        return write.put(command);
      case 'delete-range':
        return write.deleteRange(command);
      case 'txn': {
        const path = choosePath(command, this.#space);
        checkPath(path, this.#space, this.#leases);
        return runPath(path, this.#space, write);
      }
      case 'compact':
        this.#compaction.begin(command.revision);
        return { kind: 'compact', revision: this.revision, pending: true };
      case 'compact-step':
        return { kind: 'compact', revision: this.revision, pending: true };
      case 'lease-grant': {
        const lease = this.#leases.grant(command.id, command.ttlSeconds);
        rows.push(leaseRow(lease));
        return { kind: 'lease-grant', revision: this.revision, lease };
      }
      case 'lease-expire':
        if (command.term !== term) throw new MvccError('stale-expiry');
        return this.#revoke(command.id, write, rows);
      case 'lease-revoke':
        return this.#revoke(command.id, write, rows);
    }
  }

  #revoke(id: LeaseId, write: Write, rows: Row[]): CommandResult {
    const lease = this.#leases.require(id);
    for (const key of [...lease.keys].sort()) write.deleteKey(key);
    this.#leases.remove(id);
    rows.push(removedLeaseRow(id));
    return { kind: 'lease-revoke', revision: this.revision, id };
  }

  #compactStep(rows: Row[]): void {
    this.#compaction.step((kv) => rows.push(removedVersionRow(kv)));
    rows.push(this.#compactionRow());
  }

  #compactionRow(): Row {
    return compactionRow(this.compactRevision, this.#compaction.cursor, this.#compaction.pending);
  }
}

/** Those of many changes are made only when somebody reads them, so that making them can be spread over time. */
function withVersions(rows: Row[], changes: readonly KeyValue[]): Iterable<Row> {
  if (changes.length > mvccLimits.eagerRowsMax) return { [Symbol.iterator]: () => following(rows, changes) };
  for (const kv of changes) rows.push(versionRow(kv));
  return rows;
}

function* following(rows: readonly Row[], changes: readonly KeyValue[]): Generator<Row> {
  yield* rows;
  for (const kv of changes) yield versionRow(kv);
}
