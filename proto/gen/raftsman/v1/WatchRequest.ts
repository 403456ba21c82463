// Original file: raftsman/v1/api.proto

import type { ResourceRef as _raftsman_v1_ResourceRef, ResourceRef__Output as _raftsman_v1_ResourceRef__Output } from '../../raftsman/v1/ResourceRef.js';

export interface WatchRequest {
  'ref'?: (_raftsman_v1_ResourceRef | null);
  'labelSelector'?: (string);
  'fieldSelector'?: (string);
  'resourceVersion'?: (string);
  'allowWatchBookmarks'?: (boolean);
}

export interface WatchRequest__Output {
  'ref': (_raftsman_v1_ResourceRef__Output | null);
  'labelSelector': (string);
  'fieldSelector': (string);
  'resourceVersion': (string);
  'allowWatchBookmarks': (boolean);
}
