import { setImmediate as nextTurn } from 'node:timers/promises';
import { readRow } from '@raftsman/mvcc';
import { authRowByte } from '../auth/rows.js';
import type { Member, Row, StateView } from '../contract.js';
import { alarmRowByte, readAlarmRow } from '../etcd/alarm-rows.js';
import { authItems } from './auth-records.js';
import type { BoltBuilder, BoltItem } from './bolt/builder.js';
import { SnapshotFileError } from './errors.js';
import { snapshotLimits } from './limits.js';
import { alarmItem, leaseItem, revisionMark, versionItem } from './records.js';

/** The buckets of etcd's backend (server/storage/schema/bucket.go). */
export const backendBuckets = [
  'alarm',
  'auth',
  'authRoles',
  'authUsers',
  'cluster',
  'key',
  'lease',
  'members',
  'members_removed',
  'meta',
] as const;
export type BackendBucket = (typeof backendBuckets)[number];

type StoredRow = Row & { readonly value: Uint8Array };

/** Where the state stands beside its rows. */
export interface BackendMarks {
  readonly index: number;
  readonly term: number;
  readonly voters: readonly number[];
  readonly learners: readonly number[];
  readonly members: readonly Member[];
}

/**
 * Hands a state to `builder` as etcd would have stored it, in the order of its rows. Yields when the builder holds a blob's worth of pages.
 *
 * The cluster's version is left out: whoever restores the file decides it anew, an older etcd too.
 */
export async function* fillBackend(
  view: Pick<StateView, 'rows'>,
  marks: BackendMarks,
  builder: BoltBuilder,
): AsyncGenerator<void> {
  const small: StoredRow[] = [];
  let smallBytes = 0;
  let inKeys = false;
  let compaction: BoltItem[] = [];
  const add = (bucket: BackendBucket, items: Iterable<BoltItem>): void => {
    for (const item of items) builder.add(bucket, item);
  };
  const endSmall = (): void => {
    inKeys = true;
    addSmall(small, add);
  };
  let rows = 0;
  let sliceStartMs = performance.now();
  for await (const row of view.rows()) {
    rows += 1;
    if (
      rows % snapshotLimits.sliceCheckRows === 0 &&
      performance.now() - sliceStartMs > snapshotLimits.sliceMs
    ) {
      await nextTurn();
      sliceStartMs = performance.now();
    }
    if (row.key[0] === alarmRowByte || row.key[0] === authRowByte) {
      small.push(row);
      smallBytes += row.key.length + row.value.length;
      if (smallBytes > snapshotLimits.smallRowsBytesMax)
        throw new SnapshotFileError('too many users and roles for a snapshot');
      continue;
    }
    if (!inKeys) endSmall();
    const read = readRow(row.key, row.value);
    switch (read.kind) {
      case 'lease':
        builder.add('lease', leaseItem(read));
        break;
      case 'compaction':
        compaction = compactionItems(read);
        break;
      case 'version':
        builder.add('key', versionItem(read.kv));
        break;
    }
    if (builder.pendingBytes >= snapshotLimits.blobBytes) yield;
  }
  if (!inKeys) endSmall();
  add('members', marks.members.map(memberItem).toSorted(byKey));
  add('meta', [...compaction, ...metaItems(marks)].toSorted(byKey));
}

function addSmall(
  rows: readonly StoredRow[],
  add: (bucket: BackendBucket, items: readonly BoltItem[]) => void,
): void {
  const alarms = rows.filter(({ key }) => key[0] === alarmRowByte).map(readAlarmRow);
  add('alarm', alarms.map(alarmItem).toSorted(byKey));
  const auth = authItems(rows.filter(({ key }) => key[0] === authRowByte));
  add('auth', auth.meta.toSorted(byKey));
  add('authRoles', auth.roles.toSorted(byKey));
  add('authUsers', auth.users.toSorted(byKey));
}

const byKey = (left: BoltItem, right: BoltItem): number => Buffer.compare(left.key, right.key);

/** A compaction that is still removing versions is one that etcd takes up again. */
function compactionItems({
  compactRevision,
  pending,
}: {
  compactRevision: number;
  pending: boolean;
}): BoltItem[] {
  const mark = revisionMark(compactRevision);
  const scheduled = { key: Buffer.from('scheduledCompactRev'), value: mark };
  return pending ? [scheduled] : [scheduled, { key: Buffer.from('finishedCompactRev'), value: mark }];
}

function metaItems({ index, term, voters, learners }: BackendMarks): BoltItem[] {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return bytes;
  };
  // raftpb.ConfState as encoding/json writes it.
  const confState = { voters, ...(learners.length > 0 && { learners }), auto_leave: false };
  return [
    { key: Buffer.from('consistent_index'), value: number(index) },
    { key: Buffer.from('term'), value: number(term) },
    { key: Buffer.from('confState'), value: Buffer.from(JSON.stringify(confState)) },
  ];
}

/** membership.Member as encoding/json writes it. */
function memberItem({ id, name, peerUrls, clientUrls, isLearner }: Member): BoltItem {
  const attributes = {
    ...(name !== '' && { name }),
    ...(clientUrls.length > 0 && { clientURLs: clientUrls }),
  };
  const json = { id, peerURLs: peerUrls, ...(isLearner && { isLearner }), ...attributes };
  return { key: Buffer.from(id.toString(16)), value: Buffer.from(JSON.stringify(json)) };
}
