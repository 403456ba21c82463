import { keyRange } from './key-range.js';
import type { KeySpace } from './key-space.js';
import type { LeaseTable } from './lease-table.js';
import type { DeleteRangeRequest, DeleteRangeResult, PutRequest, PutResult } from './requests.js';
import { MvccError, noLease, revision, type Binary, type KeyValue, type Revision } from './types.js';

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
    // What was to be kept may have been deleted within the transaction (etcd would stop here): then it is empty.
    const before = this.#space.get(request.key, this.revision);
    const lease = request.ignoreLease ? (before?.lease ?? noLease) : request.lease;
    this.#insert({
      key: request.key,
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
    const { kvs } = this.#space.select(keyRange(request.key, request.rangeEnd), this.revision);
    for (const kv of kvs) this.#delete(kv);
    return {
      kind: 'delete-range',
      revision: this.revision,
      deleted: kvs.length,
      prevKvs: request.prevKv ? kvs : [],
    };
  }

  deleteKey(key: Binary): void {
    const kv = this.#space.get(key, this.revision);
    if (kv !== undefined) this.#delete(kv);
  }

  #delete(kv: KeyValue): void {
    this.#leases.move(kv.key, kv.lease, noLease);
    this.#insert({
      key: kv.key,
      createRevision: revision(0),
      modRevision: this.#next,
      sub: this.changes.length,
      version: 0,
      value: '',
      lease: noLease,
    });
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
