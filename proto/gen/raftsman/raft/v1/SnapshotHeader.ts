// Original file: raft/peer.proto

import type { Hello as _raftsman_raft_v1_Hello, Hello__Output as _raftsman_raft_v1_Hello__Output } from '../../../raftsman/raft/v1/Hello.js';
import type { Long } from '@grpc/proto-loader';

export interface SnapshotHeader {
  'hello'?: (_raftsman_raft_v1_Hello | null);
  'term'?: (number | string | Long);
  'index'?: (number | string | Long);
  'indexTerm'?: (number | string | Long);
  'configuration'?: (Buffer | Uint8Array | string);
  'stateId'?: (number | string | Long);
  'afterRowCount'?: (number | string | Long);
}

export interface SnapshotHeader__Output {
  'hello': (_raftsman_raft_v1_Hello__Output | null);
  'term': (string);
  'index': (string);
  'indexTerm': (string);
  'configuration': (Buffer);
  'stateId': (string);
  'afterRowCount': (string);
}
