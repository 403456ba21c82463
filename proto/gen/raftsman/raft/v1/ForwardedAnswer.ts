// Original file: raft/peer.proto

import type { Refusal as _raftsman_raft_v1_Refusal, Refusal__Output as _raftsman_raft_v1_Refusal__Output } from '../../../raftsman/raft/v1/Refusal.js';
import type { NotLeader as _raftsman_raft_v1_NotLeader, NotLeader__Output as _raftsman_raft_v1_NotLeader__Output } from '../../../raftsman/raft/v1/NotLeader.js';

export interface ForwardedAnswer {
  'response'?: (Buffer | Uint8Array | string);
  'refusal'?: (_raftsman_raft_v1_Refusal | null);
  'notLeader'?: (_raftsman_raft_v1_NotLeader | null);
  'answer'?: "response"|"refusal"|"notLeader";
}

export interface ForwardedAnswer__Output {
  'response'?: (Buffer);
  'refusal'?: (_raftsman_raft_v1_Refusal__Output | null);
  'notLeader'?: (_raftsman_raft_v1_NotLeader__Output | null);
  'answer'?: "response"|"refusal"|"notLeader";
}
