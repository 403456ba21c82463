// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface HeartbeatResponse {
  'readContext'?: (number | string | Long);
  'sentAtMs'?: (number | string | Long);
  'promiseMs'?: (number | string | Long);
}

export interface HeartbeatResponse__Output {
  'readContext': (string);
  'sentAtMs': (string);
  'promiseMs': (string);
}
