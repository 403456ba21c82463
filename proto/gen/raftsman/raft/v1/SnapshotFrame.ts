// Original file: raft/peer.proto

import type { SnapshotHeader as _raftsman_raft_v1_SnapshotHeader, SnapshotHeader__Output as _raftsman_raft_v1_SnapshotHeader__Output } from '../../../raftsman/raft/v1/SnapshotHeader.js';
import type { SnapshotRows as _raftsman_raft_v1_SnapshotRows, SnapshotRows__Output as _raftsman_raft_v1_SnapshotRows__Output } from '../../../raftsman/raft/v1/SnapshotRows.js';
import type { SnapshotEnd as _raftsman_raft_v1_SnapshotEnd, SnapshotEnd__Output as _raftsman_raft_v1_SnapshotEnd__Output } from '../../../raftsman/raft/v1/SnapshotEnd.js';

export interface SnapshotFrame {
  'header'?: (_raftsman_raft_v1_SnapshotHeader | null);
  'rows'?: (_raftsman_raft_v1_SnapshotRows | null);
  'end'?: (_raftsman_raft_v1_SnapshotEnd | null);
  'part'?: "header"|"rows"|"end";
}

export interface SnapshotFrame__Output {
  'header'?: (_raftsman_raft_v1_SnapshotHeader__Output | null);
  'rows'?: (_raftsman_raft_v1_SnapshotRows__Output | null);
  'end'?: (_raftsman_raft_v1_SnapshotEnd__Output | null);
  'part'?: "header"|"rows"|"end";
}
