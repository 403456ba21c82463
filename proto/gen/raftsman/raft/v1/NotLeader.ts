// Original file: raft/peer.proto


export interface NotLeader {
}

export interface NotLeader__Output {
}
