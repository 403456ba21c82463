// Original file: raft/peer.proto


export interface TimeoutNow {
}

export interface TimeoutNow__Output {
}
