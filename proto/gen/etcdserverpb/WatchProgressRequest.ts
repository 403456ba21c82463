// Original file: etcd/rpc.proto


export interface WatchProgressRequest {
}

export interface WatchProgressRequest__Output {
}
