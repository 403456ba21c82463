import { type Infer, opt, quantity, req, str } from '../schema.js';
import { coreV1 } from './define.js';

export const objectReference = coreV1(
  'ObjectReference',
  {
    apiVersion: opt(str()),
    fieldPath: opt(str()),
    kind: opt(str()),
    name: opt(str()),
    namespace: opt(str()),
    resourceVersion: opt(str()),
    uid: opt(str()),
  },
  { atomic: true },
);
export type ObjectReference = Infer<typeof objectReference>;

export const localObjectReference = coreV1(
  'LocalObjectReference',
  {
    name: opt(str()),
  },
  { atomic: true },
);
export type LocalObjectReference = Infer<typeof localObjectReference>;

export const typedLocalObjectReference = coreV1(
  'TypedLocalObjectReference',
  {
    kind: req(str()),
    name: req(str()),
    apiGroup: opt(str()),
  },
  { atomic: true },
);
export type TypedLocalObjectReference = Infer<typeof typedLocalObjectReference>;

export const typedObjectReference = coreV1('TypedObjectReference', {
  kind: req(str()),
  name: req(str()),
  apiGroup: opt(str()),
  namespace: opt(str()),
});
export type TypedObjectReference = Infer<typeof typedObjectReference>;

export const objectFieldSelector = coreV1(
  'ObjectFieldSelector',
  {
    fieldPath: req(str()),
    apiVersion: opt(str({ default: 'v1' })),
  },
  { atomic: true },
);
export type ObjectFieldSelector = Infer<typeof objectFieldSelector>;

export const resourceFieldSelector = coreV1(
  'ResourceFieldSelector',
  {
    resource: req(str()),
    containerName: opt(str()),
    divisor: opt(quantity()),
  },
  { atomic: true },
);
export type ResourceFieldSelector = Infer<typeof resourceFieldSelector>;
