// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface SnapshotPositionResponse {
  'rowCount'?: (number | string | Long);
  'crc32'?: (number);
}

export interface SnapshotPositionResponse__Output {
  'rowCount': (string);
  'crc32': (number);
}
