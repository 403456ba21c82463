// Original file: raft/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface Hello {
  'protocolVersion'?: (number);
  'clusterId'?: (number | string | Long);
  'from'?: (number | string | Long);
  'to'?: (number | string | Long);
  'name'?: (string);
  'clientUrls'?: (string)[];
  'dataId'?: (number | string | Long);
  'peerUrls'?: (string)[];
}

export interface Hello__Output {
  'protocolVersion': (number);
  'clusterId': (string);
  'from': (string);
  'to': (string);
  'name': (string);
  'clientUrls': (string)[];
  'dataId': (string);
  'peerUrls': (string)[];
}
