import { keyRange } from './key-range.js';
import type { KeySpace } from './key-space.js';
import type { LeaseTable } from './lease-table.js';
import type { DeleteRangeRequest, DeleteRangeResult, PutRequest, PutResult } from './requests.js';
import {
  isTombstone,
  MvccError,
  noLease,
  revision,
  type Binary,
  type KeyValue,
  type Revision,
} from './types.js';

/**
 * One command's changes: all of them get one revision, the next one, and are numbered within it. Reads between them see them.
 * What can be refused must have been refused before the first change.
 */
export class Write {
  readonly changes: KeyValue[] = [];
  readonly #space: KeySpace;
  readonly #leases: LeaseTable;
  readonly #next: Revision;

  constructor(space: KeySpace, leases: LeaseTable) {
    this.#space = space;
    this.#leases = leases;
    this.#next = revision(space.revision + 1);
  }

  /** What a reader between the changes stands at. */
  get revision(): Revision {
    return this.#space.revision;
  }

  put(request: PutRequest): PutResult {
    const newest = this.#space.index.newest(request.key);
    // What was to be kept may have been deleted within the transaction (etcd would stop here): then it is empty.
    const before = newest === undefined || isTombstone(newest) ? undefined : newest;
    const lease = request.ignoreLease ? (before?.lease ?? noLease) : request.lease;
    this.#insert({
      key: newest?.key ?? request.key, // All versions of a key share one string.
      createRevision: before?.createRevision ?? this.#next,
      modRevision: this.#next,
      sub: this.changes.length,
      version: (before?.version ?? 0) + 1,
      value: request.ignoreValue ? (before?.value ?? '') : request.value,
      lease,
    });
    this.#leases.move(request.key, before?.lease ?? noLease, lease);
    return { kind: 'put', revision: this.#next, prevKv: request.prevKv ? (before ?? null) : null };
  }

  deleteRange(request: DeleteRangeRequest): DeleteRangeResult {
    const before = this.changes.length;
    const prevKvs: KeyValue[] = [];
    this.#space.insertEach(keyRange(request.key, request.rangeEnd), (newest) => {
      if (isTombstone(newest)) return null;
      if (request.prevKv) prevKvs.push(newest);
      return this.#tombstone(newest);
    });
    const deleted = this.changes.length - before;
    return { kind: 'delete-range', revision: this.revision, deleted, prevKvs };
  }

  deleteKey(key: Binary): void {
    const kv = this.#space.get(key, this.revision);
    if (kv !== undefined) this.#space.insert(this.#tombstone(kv));
  }

  /** The change that ends `kv`, whose lease lets go of it. */
  #tombstone(kv: KeyValue): KeyValue {
    this.#leases.move(kv.key, kv.lease, noLease);
    const tombstone: KeyValue = {
      key: kv.key,
      createRevision: revision(0),
      modRevision: this.#next,
      sub: this.changes.length,
      version: 0,
      value: '',
      lease: noLease,
    };
    this.changes.push(tombstone);
    return tombstone;
  }

  #insert(kv: KeyValue): void {
    this.#space.insert(kv);
    this.changes.push(kv);
  }
}

/** Throws MvccError if the put would be refused. */
export function checkPut(request: PutRequest, space: KeySpace, leases: LeaseTable): void {
  if (request.lease !== noLease) leases.require(request.lease);
  if (!request.ignoreValue && !request.ignoreLease) return;
  if (space.get(request.key, space.revision) === undefined) throw new MvccError('key-not-found');
}
