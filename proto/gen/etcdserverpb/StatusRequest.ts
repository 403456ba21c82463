// Original file: etcd/rpc.proto


export interface StatusRequest {
}

export interface StatusRequest__Output {
}
