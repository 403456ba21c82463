// Original file: etcd/rpc.proto


export interface AuthStatusRequest {
}

export interface AuthStatusRequest__Output {
}
