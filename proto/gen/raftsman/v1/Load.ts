// Original file: raftsman/v1/heartbeat.proto

import type { Long } from '@grpc/proto-loader';

export interface Load {
  'cpuLoad'?: (number | string);
  'memoryAvailableBytes'?: (number | string | Long);
  'pods'?: (number);
}

export interface Load__Output {
  'cpuLoad': (number);
  'memoryAvailableBytes': (string);
  'pods': (number);
}
