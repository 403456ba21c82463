// Original file: raft/peer.proto

import type { EntryType as _raftsman_raft_v1_EntryType, EntryType__Output as _raftsman_raft_v1_EntryType__Output } from '../../../raftsman/raft/v1/EntryType.js';
import type { Long } from '@grpc/proto-loader';

export interface LogEntry {
  'term'?: (number | string | Long);
  'type'?: (_raftsman_raft_v1_EntryType);
  'data'?: (Buffer | Uint8Array | string);
}

export interface LogEntry__Output {
  'term': (string);
  'type': (_raftsman_raft_v1_EntryType__Output);
  'data': (Buffer);
}
