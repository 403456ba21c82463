// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface SnapshotEnd {
  'rowCount'?: (number | string | Long);
  'crc32'?: (number);
}

export interface SnapshotEnd__Output {
  'rowCount': (string);
  'crc32': (number);
}
