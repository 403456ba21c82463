// Original file: raft/peer.proto

import type { KnownMember as _raftsman_raft_v1_KnownMember, KnownMember__Output as _raftsman_raft_v1_KnownMember__Output } from '../../../raftsman/raft/v1/KnownMember.js';
import type { Long } from '@grpc/proto-loader';

export interface MembersResponse {
  'clusterId'?: (number | string | Long);
  'members'?: (_raftsman_raft_v1_KnownMember)[];
  'lastLogIndex'?: (number | string | Long);
  'term'?: (number | string | Long);
}

export interface MembersResponse__Output {
  'clusterId': (string);
  'members': (_raftsman_raft_v1_KnownMember__Output)[];
  'lastLogIndex': (string);
  'term': (string);
}
