/** What the members ask each other by gRPC. */
export const peerProto = 'raft/peer.proto';
export const peerService = 'raftsman.raft.v1.Peer';
