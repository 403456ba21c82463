// Original file: raft/peer.proto

import type { Hello as _raftsman_raft_v1_Hello, Hello__Output as _raftsman_raft_v1_Hello__Output } from '../../../raftsman/raft/v1/Hello.js';
import type { Message as _raftsman_raft_v1_Message, Message__Output as _raftsman_raft_v1_Message__Output } from '../../../raftsman/raft/v1/Message.js';

export interface Frame {
  'hello'?: (_raftsman_raft_v1_Hello | null);
  'messages'?: (_raftsman_raft_v1_Message)[];
}

export interface Frame__Output {
  'hello': (_raftsman_raft_v1_Hello__Output | null);
  'messages': (_raftsman_raft_v1_Message__Output)[];
}
