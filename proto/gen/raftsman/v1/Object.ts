// Original file: raftsman/v1/api.proto


export interface Object {
  'json'?: (Buffer | Uint8Array | string);
}

export interface Object__Output {
  'json': (Buffer);
}
