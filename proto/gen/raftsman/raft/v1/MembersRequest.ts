// Original file: raft/peer.proto


export interface MembersRequest {
}

export interface MembersRequest__Output {
}
