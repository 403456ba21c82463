// Original file: raftsman/v1/api.proto

import type { Long } from '@grpc/proto-loader';

export interface DeleteOptions {
  'gracePeriodSeconds'?: (number | string | Long);
  'propagationPolicy'?: (string);
  'preconditionUid'?: (string);
  'preconditionResourceVersion'?: (string);
  'dryRun'?: (string)[];
  '_gracePeriodSeconds'?: "gracePeriodSeconds";
}

export interface DeleteOptions__Output {
  'gracePeriodSeconds'?: (string);
  'propagationPolicy': (string);
  'preconditionUid': (string);
  'preconditionResourceVersion': (string);
  'dryRun': (string)[];
  '_gracePeriodSeconds'?: "gracePeriodSeconds";
}
