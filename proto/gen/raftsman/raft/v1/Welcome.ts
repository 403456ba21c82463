// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface Welcome {
  'name'?: (string);
  'clientUrls'?: (string)[];
  'term'?: (number | string | Long);
  'lastLogIndex'?: (number | string | Long);
  'met'?: (boolean);
}

export interface Welcome__Output {
  'name': (string);
  'clientUrls': (string)[];
  'term': (string);
  'lastLogIndex': (string);
  'met': (boolean);
}
