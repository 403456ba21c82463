// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface KnownMember {
  'id'?: (number | string | Long);
  'name'?: (string);
  'peerUrls'?: (string)[];
  'clientUrls'?: (string)[];
  'isLearner'?: (boolean);
  'isWitness'?: (boolean);
}

export interface KnownMember__Output {
  'id': (string);
  'name': (string);
  'peerUrls': (string)[];
  'clientUrls': (string)[];
  'isLearner': (boolean);
  'isWitness': (boolean);
}
