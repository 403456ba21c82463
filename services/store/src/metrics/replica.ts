import type { MetricsPage, MetricSource } from '@raftsman/telemetry';
import type { Replica } from '../contract.js';
import type { ReplicaMeasurements } from '../replica/measurements.js';
import type { PeerTraffic } from '../replica/peers/traffic.js';

const counter = (name: string, help: string, read: () => number): MetricSource => ({
  name,
  help,
  type: 'counter',
  read,
});
const gauge = (name: string, help: string, read: MetricSource['read']): MetricSource => ({
  name,
  help,
  type: 'gauge',
  read,
});

/** Consensus, under etcd's names. Answers how to stop counting leaders. */
export function addReplicaMetrics(page: MetricsPage, replica: Replica, clusterVersion: string): () => void {
  let changes = 0;
  let last: number | null = null;
  const status = () => replica.status();
  page.add(
    gauge('etcd_server_has_leader', 'Whether or not a leader exists. 1 is existence, 0 is not.', () =>
      status().leader === null ? 0 : 1,
    ),
    gauge('etcd_server_is_leader', 'Whether or not this member is a leader. 1 if is, 0 otherwise.', () =>
      status().role === 'leader' ? 1 : 0,
    ),
    gauge('etcd_server_is_learner', 'Whether or not this member is a learner. 1 if is, 0 otherwise.', () =>
      status().isLearner ? 1 : 0,
    ),
    counter('etcd_server_leader_changes_seen_total', 'Leader changes seen.', () => changes),
    gauge('etcd_server_proposals_committed_total', 'Consensus proposals committed.', () => status().commit),
    gauge('etcd_server_proposals_applied_total', 'Consensus proposals applied.', () => status().applied),
    gauge('etcd_server_id', 'Server or member id in hexadecimal. 1 for the label of this one.', () => [
      [{ server_id: status().id.toString(16) }, 1],
    ]),
    gauge('etcd_cluster_version', 'Which version is running. 1 for the label of the cluster.', () => [
      [{ cluster_version: clusterVersion.replace(/\.\d+$/, '') }, 1],
    ]),
    gauge('etcd_mvcc_db_total_size_in_bytes', 'Bytes of the data directory.', () => status().dataSizeBytes),
    gauge(
      'etcd_debugging_mvcc_db_total_size_in_bytes',
      'Bytes of the data directory.',
      () => status().dataSizeBytes,
    ),
  );
  return replica.onStatusChange(({ leader }) => {
    if (leader !== null && leader !== last) changes += 1;
    last = leader ?? last;
  });
}

/** What consensus measures of itself. */
export function addMeasurements(page: MetricsPage, measured: () => ReplicaMeasurements): void {
  page.add(
    gauge(
      'etcd_server_proposals_pending',
      'Proposals of clients of this member that wait.',
      () => measured().proposalsPending,
    ),
    counter(
      'etcd_server_proposals_failed_total',
      'Proposals that were not answered.',
      () => measured().proposalsFailed,
    ),
    counter(
      'etcd_server_read_indexes_failed_total',
      'Linearizable reads that were not answered.',
      () => measured().readIndexesFailed,
    ),
    counter(
      'etcd_server_slow_read_indexes_total',
      'Rounds of reads that were asked again.',
      () => measured().slowReadIndexes,
    ),
    counter(
      'etcd_server_slow_apply_total',
      'Applications of some log entries that took over 100 ms.',
      () => measured().slowApplies,
    ),
    counter(
      'etcd_server_heartbeat_send_failures_total',
      'Heartbeats of this leader that came late.',
      () => measured().lateHeartbeats,
    ),
    gauge(
      'etcd_server_snapshot_apply_in_progress_total',
      '1 while a snapshot is being taken over.',
      () => measured().snapshotsInProgress,
    ),
    gauge('etcd_disk_wal_write_bytes_total', 'Bytes written to the log.', () => measured().logBytesWritten),
  );
  page.addHistogram(
    'etcd_disk_wal_fsync_duration_seconds',
    'Time to write and sync a group of log entries.',
    measured().logSyncSeconds,
  );
}

/** What members say to each other: of the stream of messages, without states. */
export function addTraffic(
  page: MetricsPage,
  self: () => number,
  traffic: () => readonly PeerTraffic[],
): void {
  const hex = (id: number): string => id.toString(16);
  const each = (label: 'To' | 'From', of: (peer: PeerTraffic) => number) => () =>
    traffic().map((one) => [{ [label]: hex(one.peer) }, of(one)] as const);
  const between = (of: (peer: PeerTraffic) => number) => () =>
    traffic().map((one) => [{ Local: hex(self()), Remote: hex(one.peer) }, of(one)] as const);
  page.add(
    {
      name: 'etcd_network_peer_sent_bytes_total',
      help: 'Bytes of messages sent to peers.',
      type: 'counter',
      read: each('To', ({ sentBytes }) => sentBytes),
    },
    {
      name: 'etcd_network_peer_received_bytes_total',
      help: 'Bytes of messages received from peers.',
      type: 'counter',
      read: each('From', ({ receivedBytes }) => receivedBytes),
    },
    {
      name: 'etcd_network_peer_sent_failures_total',
      help: 'Messages for peers that were dropped.',
      type: 'counter',
      read: each('To', ({ droppedMessages }) => droppedMessages),
    },
    {
      name: 'etcd_network_disconnected_peers_total',
      help: 'How often an open connection to a peer broke.',
      type: 'counter',
      read: between(({ disconnects }) => disconnects),
    },
    gauge(
      'etcd_network_active_peers',
      '1 while the connection to a peer is open.',
      between(({ isActive }) => (isActive ? 1 : 0)),
    ),
  );
}
