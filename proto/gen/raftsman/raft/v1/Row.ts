// Original file: raft/peer.proto


export interface Row {
  'key'?: (Buffer | Uint8Array | string);
  'value'?: (Buffer | Uint8Array | string);
}

export interface Row__Output {
  'key': (Buffer);
  'value': (Buffer);
}
