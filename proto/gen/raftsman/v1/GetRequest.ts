// Original file: raftsman/v1/api.proto

import type { ResourceRef as _raftsman_v1_ResourceRef, ResourceRef__Output as _raftsman_v1_ResourceRef__Output } from '../../raftsman/v1/ResourceRef.js';

export interface GetRequest {
  'ref'?: (_raftsman_v1_ResourceRef | null);
  'resourceVersion'?: (string);
}

export interface GetRequest__Output {
  'ref': (_raftsman_v1_ResourceRef__Output | null);
  'resourceVersion': (string);
}
