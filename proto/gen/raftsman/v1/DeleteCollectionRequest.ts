// Original file: raftsman/v1/api.proto

import type { ResourceRef as _raftsman_v1_ResourceRef, ResourceRef__Output as _raftsman_v1_ResourceRef__Output } from '../../raftsman/v1/ResourceRef.js';
import type { DeleteOptions as _raftsman_v1_DeleteOptions, DeleteOptions__Output as _raftsman_v1_DeleteOptions__Output } from '../../raftsman/v1/DeleteOptions.js';

export interface DeleteCollectionRequest {
  'ref'?: (_raftsman_v1_ResourceRef | null);
  'labelSelector'?: (string);
  'fieldSelector'?: (string);
  'options'?: (_raftsman_v1_DeleteOptions | null);
}

export interface DeleteCollectionRequest__Output {
  'ref': (_raftsman_v1_ResourceRef__Output | null);
  'labelSelector': (string);
  'fieldSelector': (string);
  'options': (_raftsman_v1_DeleteOptions__Output | null);
}
