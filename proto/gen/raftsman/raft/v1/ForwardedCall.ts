// Original file: raft/peer.proto

import type { Hello as _raftsman_raft_v1_Hello, Hello__Output as _raftsman_raft_v1_Hello__Output } from '../../../raftsman/raft/v1/Hello.js';
import type { Long } from '@grpc/proto-loader';

export interface ForwardedCall {
  'hello'?: (_raftsman_raft_v1_Hello | null);
  'path'?: (string);
  'request'?: (Buffer | Uint8Array | string);
  'user'?: (string);
  'authRevision'?: (number | string | Long);
}

export interface ForwardedCall__Output {
  'hello': (_raftsman_raft_v1_Hello__Output | null);
  'path': (string);
  'request': (Buffer);
  'user': (string);
  'authRevision': (string);
}
