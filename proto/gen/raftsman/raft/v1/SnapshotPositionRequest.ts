// Original file: raft/peer.proto

import type { Hello as _raftsman_raft_v1_Hello, Hello__Output as _raftsman_raft_v1_Hello__Output } from '../../../raftsman/raft/v1/Hello.js';
import type { Long } from '@grpc/proto-loader';

export interface SnapshotPositionRequest {
  'hello'?: (_raftsman_raft_v1_Hello | null);
  'stateId'?: (number | string | Long);
}

export interface SnapshotPositionRequest__Output {
  'hello': (_raftsman_raft_v1_Hello__Output | null);
  'stateId': (string);
}
