// Original file: raftsman/v1/api.proto

import type { ResourceRef as _raftsman_v1_ResourceRef, ResourceRef__Output as _raftsman_v1_ResourceRef__Output } from '../../raftsman/v1/ResourceRef.js';
import type { Long } from '@grpc/proto-loader';

export interface ListRequest {
  'ref'?: (_raftsman_v1_ResourceRef | null);
  'labelSelector'?: (string);
  'fieldSelector'?: (string);
  'resourceVersion'?: (string);
  'resourceVersionMatch'?: (string);
  'limit'?: (number | string | Long);
  'continue'?: (string);
}

export interface ListRequest__Output {
  'ref': (_raftsman_v1_ResourceRef__Output | null);
  'labelSelector': (string);
  'fieldSelector': (string);
  'resourceVersion': (string);
  'resourceVersionMatch': (string);
  'limit': (string);
  'continue': (string);
}
