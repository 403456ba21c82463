import { Compaction, type CompactionCursor } from './compaction.js';
import { EventLog } from './event-log.js';
import { buildIndex } from './index-builder.js';
import { KeySpace } from './key-space.js';
import { LeaseTable } from './lease-table.js';
import { readRow, type RestoredRow, type StoredRow } from './rows.js';
import { deletionSizeOf, sizeOf } from './sizes.js';
import { assert, isTombstone, noLease, revision, type KeyValue, type Revision } from './types.js';

export interface RestoredParts {
  readonly space: KeySpace;
  readonly leases: LeaseTable;
  readonly compaction: Compaction;
}

/** A store in the making: takes in all its rows in key order, then builds the index of them. */
export class Restoration {
  readonly #leases = new LeaseTable();
  readonly #log = new EventLog();
  readonly #versions: KeyValue[] = [];
  #mark: (RestoredRow & { readonly kind: 'compaction' }) | null = null;
  /** Versions before it are a key's state, no longer events. */
  #logStart: CompactionCursor | null = null;
  #revision = revision(1);
  #sizeBytes = 0;

  /** Throws UnknownCommandError, MalformedError or MvccError if they are not what a store wrote. */
  add(rows: readonly StoredRow[]): void {
    for (const { key, value } of rows) {
      const row = readRow(key, value);
      switch (row.kind) {
        case 'version':
          this.#addVersion(row.kv);
          break;
        case 'lease':
          this.#leases.grant(row.id, row.ttlSeconds);
          break;
        case 'compaction':
          this.#mark = row;
          this.#logStart = this.#compactionOf(this.#emptySpace()).logStart;
          break;
      }
    }
  }

  /** Yields after each bounded piece of work. */
  *build(): Generator<void, RestoredParts> {
    const leases = this.#leases;
    let deletionBytes = 0;
    const index = yield* buildIndex(this.#versions, (newest) => {
      if (!isTombstone(newest)) deletionBytes += deletionSizeOf(newest);
      // The keys of a lease are those whose newest version names it.
      if (newest.lease !== noLease) leases.move(newest.key, noLease, newest.lease);
    });
    const space = new KeySpace({
      index,
      log: this.#log,
      revision: this.#revision,
      compactRevision: this.#compactRevision,
      sizeBytes: this.#sizeBytes,
      deletionBytes,
    });
    return { space, leases, compaction: this.#compactionOf(space) };
  }

  #addVersion(kv: KeyValue): void {
    assert(kv.modRevision >= this.#revision, 'a version older than the store');
    if (this.#logStart === null || !isBefore(kv, this.#logStart)) this.#log.push(kv);
    this.#versions.push(kv);
    this.#revision = kv.modRevision;
    this.#sizeBytes += sizeOf(kv);
  }

  get #compactRevision(): Revision {
    return this.#mark?.compactRevision ?? revision(-1);
  }

  #emptySpace(): KeySpace {
    const space = new KeySpace();
    space.compactTo(this.#compactRevision);
    return space;
  }

  #compactionOf(space: KeySpace): Compaction {
    return this.#mark === null ? new Compaction(space) : new Compaction(space, this.#mark);
  }
}

function isBefore(kv: KeyValue, cursor: CompactionCursor): boolean {
  return kv.modRevision < cursor.revision || (kv.modRevision === cursor.revision && kv.sub < cursor.sub);
}
