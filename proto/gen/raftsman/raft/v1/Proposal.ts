// Original file: raft/peer.proto

import type { EntryType as _raftsman_raft_v1_EntryType, EntryType__Output as _raftsman_raft_v1_EntryType__Output } from '../../../raftsman/raft/v1/EntryType.js';

export interface Proposal {
  'type'?: (_raftsman_raft_v1_EntryType);
  'data'?: (Buffer | Uint8Array | string);
}

export interface Proposal__Output {
  'type': (_raftsman_raft_v1_EntryType__Output);
  'data': (Buffer);
}
