// Original file: raftsman/v1/api.proto

import type { ResourceRef as _raftsman_v1_ResourceRef, ResourceRef__Output as _raftsman_v1_ResourceRef__Output } from '../../raftsman/v1/ResourceRef.js';
import type { WriteOptions as _raftsman_v1_WriteOptions, WriteOptions__Output as _raftsman_v1_WriteOptions__Output } from '../../raftsman/v1/WriteOptions.js';

export interface PatchRequest {
  'ref'?: (_raftsman_v1_ResourceRef | null);
  'contentType'?: (string);
  'patch'?: (Buffer | Uint8Array | string);
  'options'?: (_raftsman_v1_WriteOptions | null);
}

export interface PatchRequest__Output {
  'ref': (_raftsman_v1_ResourceRef__Output | null);
  'contentType': (string);
  'patch': (Buffer);
  'options': (_raftsman_v1_WriteOptions__Output | null);
}
