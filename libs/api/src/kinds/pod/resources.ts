import { type Infer, map, mapList, oneOf, opt, quantity, req, str } from '../../schema.js';
import { coreV1 } from '../define.js';

export const resourceClaim = coreV1('ResourceClaim', {
  name: req(str()),
  request: opt(str()),
});
export type ResourceClaim = Infer<typeof resourceClaim>;

export const resourceRequirements = coreV1('ResourceRequirements', {
  claims: opt(mapList(resourceClaim, ['name'], { patchMergeKey: null })),
  limits: opt(map(quantity())),
  requests: opt(map(quantity())),
});
export type ResourceRequirements = Infer<typeof resourceRequirements>;

export const containerResizePolicy = coreV1('ContainerResizePolicy', {
  resourceName: req(str()),
  restartPolicy: req(oneOf(['NotRequired', 'RestartContainer'])),
});
export type ContainerResizePolicy = Infer<typeof containerResizePolicy>;

export const volumeResourceRequirements = coreV1('VolumeResourceRequirements', {
  limits: opt(map(quantity())),
  requests: opt(map(quantity())),
});
export type VolumeResourceRequirements = Infer<typeof volumeResourceRequirements>;
