// Original file: raft/peer.proto

import type { Row as _raftsman_raft_v1_Row, Row__Output as _raftsman_raft_v1_Row__Output } from '../../../raftsman/raft/v1/Row.js';

export interface SnapshotRows {
  'rows'?: (_raftsman_raft_v1_Row)[];
}

export interface SnapshotRows__Output {
  'rows': (_raftsman_raft_v1_Row__Output)[];
}
