// Original file: raftsman/v1/api.proto

import type { Object as _raftsman_v1_Object, Object__Output as _raftsman_v1_Object__Output } from '../../raftsman/v1/Object.js';

export interface WatchEvent {
  'type'?: (string);
  'object'?: (_raftsman_v1_Object | null);
}

export interface WatchEvent__Output {
  'type': (string);
  'object': (_raftsman_v1_Object__Output | null);
}
