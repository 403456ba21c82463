// Original file: raft/peer.proto

import type { Proposal as _raftsman_raft_v1_Proposal, Proposal__Output as _raftsman_raft_v1_Proposal__Output } from '../../../raftsman/raft/v1/Proposal.js';

export interface ProposeRequest {
  'entries'?: (_raftsman_raft_v1_Proposal)[];
}

export interface ProposeRequest__Output {
  'entries': (_raftsman_raft_v1_Proposal__Output)[];
}
