// Original file: raftsman/v1/heartbeat.proto

import type { Load as _raftsman_v1_Load, Load__Output as _raftsman_v1_Load__Output } from '../../raftsman/v1/Load.js';
import type { Long } from '@grpc/proto-loader';

export interface Beat {
  'node'?: (string);
  'bootId'?: (string);
  'sequence'?: (number | string | Long);
  'intervalMs'?: (number);
  'load'?: (_raftsman_v1_Load | null);
}

export interface Beat__Output {
  'node': (string);
  'bootId': (string);
  'sequence': (string);
  'intervalMs': (number);
  'load': (_raftsman_v1_Load__Output | null);
}
