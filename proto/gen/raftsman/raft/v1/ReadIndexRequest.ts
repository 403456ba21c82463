// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface ReadIndexRequest {
  'requestId'?: (number | string | Long);
}

export interface ReadIndexRequest__Output {
  'requestId': (string);
}
