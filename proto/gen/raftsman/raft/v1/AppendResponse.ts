// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface AppendResponse {
  'success'?: (boolean);
  'index'?: (number | string | Long);
  'hintIndex'?: (number | string | Long);
  'hintTerm'?: (number | string | Long);
}

export interface AppendResponse__Output {
  'success': (boolean);
  'index': (string);
  'hintIndex': (string);
  'hintTerm': (string);
}
