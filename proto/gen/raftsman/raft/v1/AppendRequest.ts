// Original file: raft/peer.proto

import type { LogEntry as _raftsman_raft_v1_LogEntry, LogEntry__Output as _raftsman_raft_v1_LogEntry__Output } from '../../../raftsman/raft/v1/LogEntry.js';
import type { Long } from '@grpc/proto-loader';

export interface AppendRequest {
  'prevLogIndex'?: (number | string | Long);
  'prevLogTerm'?: (number | string | Long);
  'entries'?: (_raftsman_raft_v1_LogEntry)[];
  'commit'?: (number | string | Long);
  'heldByAll'?: (number | string | Long);
}

export interface AppendRequest__Output {
  'prevLogIndex': (string);
  'prevLogTerm': (string);
  'entries': (_raftsman_raft_v1_LogEntry__Output)[];
  'commit': (string);
  'heldByAll': (string);
}
