import {
  type Infer,
  any,
  atomicList,
  bool,
  int64,
  map,
  mapList,
  oneOf,
  opt,
  req,
  setList,
  str,
  time,
} from '../schema.js';
import { metaV1 } from './define.js';

export const ownerReference = metaV1(
  'OwnerReference',
  {
    apiVersion: req(str()),
    kind: req(str()),
    name: req(str()),
    uid: req(str()),
    blockOwnerDeletion: opt(bool()),
    controller: opt(bool()),
  },
  { atomic: true },
);

export const managedFieldsEntry = metaV1('ManagedFieldsEntry', {
  apiVersion: opt(str()),
  fieldsType: opt(str()),
  fieldsV1: opt(any({ name: 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1' })),
  manager: opt(str()),
  operation: opt(oneOf(['Apply', 'Update'])),
  subresource: opt(str()),
  time: opt(time()),
});

export const objectMeta = metaV1('ObjectMeta', {
  annotations: opt(map(str())),
  creationTimestamp: opt(time()),
  deletionGracePeriodSeconds: opt(int64()),
  deletionTimestamp: opt(time()),
  finalizers: opt(setList(str(), { patchStrategy: 'merge' })),
  generateName: opt(str()),
  generation: opt(int64()),
  labels: opt(map(str())),
  managedFields: opt(atomicList(managedFieldsEntry)),
  name: opt(str()),
  namespace: opt(str()),
  ownerReferences: opt(mapList(ownerReference, ['uid'])),
  resourceVersion: opt(str()),
  selfLink: opt(str()),
  uid: opt(str()),
});

/** Which part of a sharded list this is; the server has no shards. */
const shardInfo = metaV1('ShardInfo', { selector: req(str()) });

export const listMeta = metaV1('ListMeta', {
  continue: opt(str()),
  remainingItemCount: opt(int64()),
  resourceVersion: opt(str()),
  selfLink: opt(str()),
  shardInfo: opt(shardInfo),
});

export const labelSelectorRequirement = metaV1('LabelSelectorRequirement', {
  key: req(str()),
  operator: req(oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist'])),
  values: opt(atomicList(str())),
});
export type LabelSelectorRequirement = Infer<typeof labelSelectorRequirement>;

export const labelSelector = metaV1(
  'LabelSelector',
  {
    matchExpressions: opt(atomicList(labelSelectorRequirement)),
    matchLabels: opt(map(str())),
  },
  { atomic: true },
);
export type LabelSelector = Infer<typeof labelSelector>;

export const condition = metaV1('Condition', {
  lastTransitionTime: req(time()),
  message: req(str()),
  reason: req(str()),
  status: req(oneOf(['True', 'False', 'Unknown'])),
  type: req(str()),
  observedGeneration: opt(int64()),
});
export type Condition = Infer<typeof condition>;
