// Original file: etcd/rpc.proto


export interface HashRequest {
}

export interface HashRequest__Output {
}
