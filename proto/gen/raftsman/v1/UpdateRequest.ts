// Original file: raftsman/v1/api.proto

import type { ResourceRef as _raftsman_v1_ResourceRef, ResourceRef__Output as _raftsman_v1_ResourceRef__Output } from '../../raftsman/v1/ResourceRef.js';
import type { Object as _raftsman_v1_Object, Object__Output as _raftsman_v1_Object__Output } from '../../raftsman/v1/Object.js';
import type { WriteOptions as _raftsman_v1_WriteOptions, WriteOptions__Output as _raftsman_v1_WriteOptions__Output } from '../../raftsman/v1/WriteOptions.js';

export interface UpdateRequest {
  'ref'?: (_raftsman_v1_ResourceRef | null);
  'object'?: (_raftsman_v1_Object | null);
  'options'?: (_raftsman_v1_WriteOptions | null);
}

export interface UpdateRequest__Output {
  'ref': (_raftsman_v1_ResourceRef__Output | null);
  'object': (_raftsman_v1_Object__Output | null);
  'options': (_raftsman_v1_WriteOptions__Output | null);
}
