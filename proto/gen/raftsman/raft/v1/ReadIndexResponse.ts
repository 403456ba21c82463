// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface ReadIndexResponse {
  'requestId'?: (number | string | Long);
  'index'?: (number | string | Long);
}

export interface ReadIndexResponse__Output {
  'requestId': (string);
  'index': (string);
}
