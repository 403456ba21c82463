import {
  type Infer,
  atomicList,
  int64,
  map,
  mapList,
  oneOf,
  opt,
  quantity,
  req,
  setList,
  str,
  time,
} from '../../schema.js';
import { coreV1 } from '../define.js';
import { containerStatus } from './container-status.js';
import { resourceRequirements } from './resources.js';

export const podCondition = coreV1('PodCondition', {
  status: req(oneOf(['True', 'False', 'Unknown'])),
  type: req(str()),
  lastProbeTime: opt(time()),
  lastTransitionTime: opt(time()),
  message: opt(str()),
  observedGeneration: opt(int64()),
  reason: opt(str()),
});
export type PodCondition = Infer<typeof podCondition>;

export const hostIP = coreV1('HostIP', {
  ip: req(str()),
});
export type HostIP = Infer<typeof hostIP>;

export const podIP = coreV1('PodIP', {
  ip: req(str()),
});
export type PodIP = Infer<typeof podIP>;

export const podResourceClaimStatus = coreV1('PodResourceClaimStatus', {
  name: req(str()),
  resourceClaimName: opt(str()),
});
export type PodResourceClaimStatus = Infer<typeof podResourceClaimStatus>;

export const containerExtendedResourceRequest = coreV1('ContainerExtendedResourceRequest', {
  containerName: req(str()),
  requestName: req(str()),
  resourceName: req(str()),
});
export type ContainerExtendedResourceRequest = Infer<typeof containerExtendedResourceRequest>;

export const podExtendedResourceClaimStatus = coreV1('PodExtendedResourceClaimStatus', {
  requestMappings: req(atomicList(containerExtendedResourceRequest)),
  resourceClaimName: req(str()),
});
export type PodExtendedResourceClaimStatus = Infer<typeof podExtendedResourceClaimStatus>;

export const nodeAllocatableResourceClaimStatus = coreV1('NodeAllocatableResourceClaimStatus', {
  resourceClaimName: req(str()),
  resources: req(map(quantity())),
  containers: opt(setList(str())),
});
export type NodeAllocatableResourceClaimStatus = Infer<typeof nodeAllocatableResourceClaimStatus>;

export const podStatus = coreV1('PodStatus', {
  allocatedResources: opt(map(quantity())),
  conditions: opt(mapList(podCondition, ['type'])),
  containerStatuses: opt(atomicList(containerStatus)),
  ephemeralContainerStatuses: opt(atomicList(containerStatus)),
  extendedResourceClaimStatus: opt(podExtendedResourceClaimStatus),
  hostIP: opt(str()),
  hostIPs: opt(atomicList(hostIP, { patchMergeKey: 'ip' })),
  initContainerStatuses: opt(atomicList(containerStatus)),
  message: opt(str()),
  nodeAllocatableResourceClaimStatuses: opt(atomicList(nodeAllocatableResourceClaimStatus)),
  nominatedNodeName: opt(str()),
  observedGeneration: opt(int64()),
  phase: opt(oneOf(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'])),
  podIP: opt(str()),
  podIPs: opt(mapList(podIP, ['ip'])),
  qosClass: opt(oneOf(['Guaranteed', 'Burstable', 'BestEffort'])),
  reason: opt(str()),
  resize: opt(str()),
  resourceClaimStatuses: opt(mapList(podResourceClaimStatus, ['name'], { patchStrategy: 'retainKeys' })),
  resources: opt(resourceRequirements),
  startTime: opt(time()),
});
export type PodStatus = Infer<typeof podStatus>;
