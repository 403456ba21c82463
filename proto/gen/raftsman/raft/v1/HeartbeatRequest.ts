// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface HeartbeatRequest {
  'commit'?: (number | string | Long);
  'readContext'?: (number | string | Long);
  'heldByAll'?: (number | string | Long);
  'sentAtMs'?: (number | string | Long);
}

export interface HeartbeatRequest__Output {
  'commit': (string);
  'readContext': (string);
  'heldByAll': (string);
  'sentAtMs': (string);
}
