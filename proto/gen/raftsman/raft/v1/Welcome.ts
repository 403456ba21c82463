// Original file: raft/peer.proto


export interface Welcome {
  'name'?: (string);
  'clientUrls'?: (string)[];
}

export interface Welcome__Output {
  'name': (string);
  'clientUrls': (string)[];
}
