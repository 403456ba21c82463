// Original file: etcd/rpc.proto


export interface AuthDisableRequest {
}

export interface AuthDisableRequest__Output {
}
