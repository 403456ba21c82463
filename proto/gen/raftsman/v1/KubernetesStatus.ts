// Original file: raftsman/v1/api.proto


export interface KubernetesStatus {
  'json'?: (Buffer | Uint8Array | string);
}

export interface KubernetesStatus__Output {
  'json': (Buffer);
}
