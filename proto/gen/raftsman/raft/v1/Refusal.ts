// Original file: raft/peer.proto


export interface Refusal {
  'code'?: (number);
  'details'?: (string);
}

export interface Refusal__Output {
  'code': (number);
  'details': (string);
}
