import type { MetricsPage, MetricSource } from '@raftsman/telemetry';
import type { EtcdStateMachine } from '../etcd/index.js';
import type { CallCounts } from './calls.js';

/** Keys, leases and watches, under etcd's names. Some have two: what it calls debugging stayed when the others came. */
export function addStoreMetrics(
  page: MetricsPage,
  stateMachine: EtcdStateMachine,
  calls: CallCounts,
  options: { readonly quotaBackendBytes: number; readonly version: string },
): void {
  const { counts } = stateMachine;
  const ranges = (): number =>
    counts.range + calls.handled('/etcdserverpb.KV/Range') + calls.handled('/etcdserverpb.KV/RangeStream');
  page.add(
    ...counters('range_total', 'Ranges, alone or in transactions, seen by this member.', ranges),
    ...changeCounts(counts),
    gauge(
      'etcd_mvcc_db_total_size_in_use_in_bytes',
      'Bytes of keys, values and their history.',
      () => stateMachine.store.sizeBytes,
    ),
    gauge(
      'etcd_debugging_mvcc_keys_total',
      'Keys, with those deleted and not compacted yet.',
      () => stateMachine.store.space.index.size,
    ),
    gauge(
      'etcd_debugging_mvcc_current_revision',
      'The current revision of the store.',
      () => stateMachine.store.revision,
    ),
    gauge(
      'etcd_debugging_mvcc_compact_revision',
      'The revision of the last compaction.',
      () => stateMachine.store.compactRevision,
    ),
    gauge('etcd_debugging_mvcc_watch_stream_total', 'Streams of watches.', () =>
      calls.open('/etcdserverpb.Watch/Watch'),
    ),
    gauge('etcd_debugging_mvcc_watcher_total', 'Watchers.', () => stateMachine.watches.size),
    gauge(
      'etcd_debugging_mvcc_slow_watcher_total',
      'Watchers that are behind.',
      () => stateMachine.watches.slowCount,
    ),
    counter('etcd_debugging_mvcc_events_total', 'Events sent by this member.', () => counts.events),
    counter('etcd_debugging_lease_granted_total', 'Leases granted.', () => counts.leaseGrant),
    counter(
      'etcd_debugging_lease_revoked_total',
      'Leases that were revoked or have expired.',
      () => counts.leaseRevoke,
    ),
    counter(
      'etcd_debugging_lease_renewed_total',
      'Renewals that this member granted while it led.',
      () => counts.leaseRenew,
    ),
    counter(
      'etcd_debugging_server_lease_expired_total',
      'Leases that this member ended while it led, because their time was over.',
      () => counts.leaseExpire,
    ),
    gauge(
      'etcd_debugging_auth_revision',
      'The revision of users and roles.',
      () => stateMachine.auth.revision,
    ),
    gauge(
      'etcd_server_quota_backend_bytes',
      'Bytes above which writes are refused.',
      () => options.quotaBackendBytes,
    ),
    gauge('etcd_server_version', 'Which version is running. 1 for the label of this one.', () => [
      [{ server_version: options.version }, 1],
    ]),
  );
}

const changeCounts = (counts: EtcdStateMachine['counts']): readonly MetricSource[] => [
  ...counters('put_total', 'Puts, alone or in transactions, seen by this member.', () => counts.put),
  ...counters(
    'delete_total',
    'Deletions, alone or in transactions, seen by this member.',
    () => counts.deleteRange,
  ),
  ...counters('txn_total', 'Transactions of more than one operation seen by this member.', () => counts.txn),
];

function counter(name: string, help: string, read: () => number): MetricSource {
  return { name, help, type: 'counter', read };
}

function gauge(name: string, help: string, read: MetricSource['read']): MetricSource {
  return { name, help, type: 'gauge', read };
}

const counters = (name: string, help: string, read: () => number): readonly MetricSource[] =>
  ['etcd_mvcc_', 'etcd_debugging_mvcc_'].map((prefix) => counter(prefix + name, help, read));
