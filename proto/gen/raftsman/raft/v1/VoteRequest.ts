// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface VoteRequest {
  'preVote'?: (boolean);
  'lastLogIndex'?: (number | string | Long);
  'lastLogTerm'?: (number | string | Long);
  'leadershipTransfer'?: (boolean);
}

export interface VoteRequest__Output {
  'preVote': (boolean);
  'lastLogIndex': (string);
  'lastLogTerm': (string);
  'leadershipTransfer': (boolean);
}
