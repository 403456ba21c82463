/** What --controllers takes, in Kubernetes' names. */
export const controllerNames = [
  'deployment',
  'replicaset',
  'endpointslice',
  'node-lifecycle',
  'nodeipam',
  'pod-garbage-collector',
  'garbage-collector',
  'namespace',
  'serviceaccount',
] as const;
export type ControllerName = (typeof controllerNames)[number];
