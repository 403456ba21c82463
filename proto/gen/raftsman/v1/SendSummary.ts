// Original file: raftsman/v1/heartbeat.proto

import type { Long } from '@grpc/proto-loader';

export interface SendSummary {
  'received'?: (number | string | Long);
}

export interface SendSummary__Output {
  'received': (string);
}
