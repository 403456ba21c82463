// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface WitnessSnapshot {
  'index'?: (number | string | Long);
  'indexTerm'?: (number | string | Long);
  'configuration'?: (Buffer | Uint8Array | string);
}

export interface WitnessSnapshot__Output {
  'index': (string);
  'indexTerm': (string);
  'configuration': (Buffer);
}
