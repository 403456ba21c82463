// Original file: raft/peer.proto


export interface SnapshotReceipt {
  'accepted'?: (boolean);
}

export interface SnapshotReceipt__Output {
  'accepted': (boolean);
}
