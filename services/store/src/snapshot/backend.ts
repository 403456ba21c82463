import { compactionRow, leaseRow, mvccLimits, revision, versionRow, type KeyValue } from '@raftsman/mvcc';
import type { Row } from '../contract.js';
import type { BoltFile } from './bolt/reader.js';
import { SnapshotFileError } from './errors.js';
import { snapshotLimits } from './limits.js';
import { readLease, readRevisionMark, readVersion, revisionMarker } from './records.js';

type StoredRow = Row & { readonly value: Uint8Array };

/** What a first reading of a file found; it has checked everything that the second one relies on. */
export interface BackendSurvey {
  readonly versions: number;
  readonly leases: number;
  /** Of the newest change. */
  readonly newestChange: number;
  /** Where the store stood: a compaction may have removed the newest changes. 1 in an empty one. */
  readonly revision: number;
  /** The oldest revision that can be read; null: never compacted. */
  readonly compactRevision: number | null;
  /** Keys whose newest version names a lease that is gone: etcd lets them live on without it. */
  readonly orphans: ReadonlyMap<string, string>;
}

/** Rejects with SnapshotFileError if the file is not a backend that a member could have written. */
export async function surveyBackend(file: BoltFile): Promise<BackendSurvey> {
  if (!file.buckets().includes('key')) throw new SnapshotFileError('a bbolt database, but not one of etcd');
  const compactRevision = await compactedTo(file);
  const leases = new Set<bigint>();
  for await (const item of file.items('lease')) leases.add(readLease(item).id);
  const orphans = new Map<string, string>();
  let versions = 0;
  let newestChange = 0;
  for await (const item of file.items('key')) {
    if (item.key.length + item.value.length > snapshotLimits.itemBytesMax)
      throw new SnapshotFileError(`a version is larger than ${snapshotLimits.itemBytesMax} bytes`);
    const kv = readVersion(item);
    versions += 1;
    newestChange = kv.modRevision;
    if (kv.lease !== 0n && !leases.has(kv.lease)) orphans.set(kv.key, placeOf(kv));
    else orphans.delete(kv.key);
  }
  const newest = Math.max(1, newestChange, compactRevision ?? 0);
  return { versions, leases: leases.size, newestChange, revision: newest, compactRevision, orphans };
}

const placeOf = ({ modRevision, sub }: KeyValue): string => `${modRevision}.${sub}`;

/** A compaction that was begun binds readers, whether or not it came to its end. */
async function compactedTo(file: BoltFile): Promise<number | null> {
  let newest: number | null = null;
  for await (const { key, value } of file.items('meta')) {
    const name = Buffer.from(key).toString('latin1');
    if (name === 'scheduledCompactRev' || name === 'finishedCompactRev')
      newest = Math.max(newest ?? 0, readRevisionMark(value));
  }
  return newest;
}

export interface RevisionChange {
  readonly bumpBy: number;
  readonly markCompacted: boolean;
}

export interface RestoredRevisions {
  readonly revision: number;
  readonly compactRevision: number | null;
}

/** Throws SnapshotFileError. */
export function restoredRevisions(survey: BackendSurvey, change: RevisionChange): RestoredRevisions {
  const newest = survey.revision + change.bumpBy;
  if (newest > mvccLimits.numberMax / 2) throw new SnapshotFileError(`revision ${newest} is too large`);
  return { revision: newest, compactRevision: change.markCompacted ? newest : survey.compactRevision };
}

/**
 * The rows of keys and leases, in key order; the same from the same file. How far a compaction had come is not taken over: the members do it
 * again, with their next writes.
 */
export async function* backendRows(
  file: BoltFile,
  { orphans, newestChange }: BackendSurvey,
  revisions: RestoredRevisions,
): AsyncGenerator<StoredRow> {
  file.again();
  for await (const item of file.items('lease')) yield leaseRow(readLease(item)) as StoredRow;
  if (revisions.compactRevision !== null) {
    const start = { revision: revision(0), sub: 0 };
    yield compactionRow(revision(revisions.compactRevision), start, true) as StoredRow;
  }
  for await (const item of file.items('key')) {
    const kv = readVersion(item);
    const isOrphan = orphans.get(kv.key) === placeOf(kv);
    yield versionRow(isOrphan ? { ...kv, lease: 0n } : kv) as StoredRow;
  }
  // The store's revision is that of its newest row.
  if (revisions.revision > Math.max(1, newestChange))
    yield versionRow(revisionMarker(revisions.revision)) as StoredRow;
}
