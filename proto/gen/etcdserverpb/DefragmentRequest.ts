// Original file: etcd/rpc.proto


export interface DefragmentRequest {
}

export interface DefragmentRequest__Output {
}
