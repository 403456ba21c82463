// Original file: raftsman/v1/api.proto

import type { Object as _raftsman_v1_Object, Object__Output as _raftsman_v1_Object__Output } from '../../raftsman/v1/Object.js';
import type { Long } from '@grpc/proto-loader';

export interface ObjectList {
  'resourceVersion'?: (string);
  'items'?: (_raftsman_v1_Object)[];
  'continue'?: (string);
  'remainingItemCount'?: (number | string | Long);
}

export interface ObjectList__Output {
  'resourceVersion': (string);
  'items': (_raftsman_v1_Object__Output)[];
  'continue': (string);
  'remainingItemCount': (string);
}
