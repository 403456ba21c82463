import { Compaction, type CompactionCursor } from './compaction.js';
import type { Command } from './command.js';
import { KeySpace } from './key-space.js';
import { LeaseTable, type Lease } from './lease-table.js';
import { evaluateRange } from './range.js';
import type {
  DeleteRangeResult,
  PutResult,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
} from './requests.js';
import {
  compactionRow,
  leaseRow,
  readRow,
  removedLeaseRow,
  removedVersionRow,
  versionRow,
  type Row,
} from './rows.js';
import { checkPath, choosePath, readPath, runPath } from './txn.js';
import { MvccError, noLease, type KeyValue, type LeaseId, type Revision } from './types.js';
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
  readonly rows: readonly Row[];
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

  /** Builds the store from all its rows in key order. Rejects if they are not what a store wrote. */
  static async restore(
    rows: AsyncIterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>,
  ): Promise<MvccStore> {
    const space = new KeySpace();
    const leases = new LeaseTable();
    let compaction = new Compaction(space);
    let logFrom: CompactionCursor | undefined;
    for await (const { key, value } of rows) {
      const row = readRow(key, value);
      switch (row.kind) {
        case 'lease':
          leases.grant(row.id, row.ttlSeconds);
          break;
        case 'compaction':
          space.compactTo(row.compactRevision);
          compaction = new Compaction(space, row);
          logFrom = compaction.logStart;
          break;
        case 'version':
          space.insert(row.kv, logFrom === undefined || !isBefore(row.kv, logFrom));
          break;
      }
    }
    attachLeases(space, leases);
    return new MvccStore(space, leases, compaction);
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

  /** Estimated bytes of keys, values and their history in memory. */
  get sizeBytes(): number {
    return this.#space.sizeBytes;
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
    for (const kv of write.changes) rows.push(versionRow(kv));
    if (this.#compaction.pending) this.#compactStep(rows);
    if (!(result instanceof MvccError) && result.kind === 'compact') {
      result = { ...result, pending: this.#compaction.pending };
    }
    return { result, changes: write.changes, rows };
  }

  /** Every row, in key order. */
  *rows(): Generator<Row & { readonly value: Uint8Array }> {
    const leases = [...this.#leases.all()].map(leaseRow).sort((a, b) => Buffer.compare(a.key, b.key));
    for (const row of leases) yield row as Row & { readonly value: Uint8Array };
    if (this.compactRevision >= 0) yield this.#compactionRow() as Row & { readonly value: Uint8Array };
    const versions: KeyValue[] = [];
    this.#space.index.scan('', null, ({ older, newest }) => {
      if (older !== null) versions.push(...older);
      versions.push(newest);
      return true;
    });
    versions.sort((a, b) => a.modRevision - b.modRevision || a.sub - b.sub);
    for (const kv of versions) yield versionRow(kv) as Row & { readonly value: Uint8Array };
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

function isBefore(kv: KeyValue, cursor: CompactionCursor): boolean {
  return kv.modRevision < cursor.revision || (kv.modRevision === cursor.revision && kv.sub < cursor.sub);
}

/** The keys of a lease are those whose newest version names it. */
function attachLeases(space: KeySpace, leases: LeaseTable): void {
  if (leases.size === 0) return;
  space.index.scan('', null, ({ newest }) => {
    if (newest.lease !== noLease) leases.move(newest.key, noLease, newest.lease);
    return true;
  });
}
