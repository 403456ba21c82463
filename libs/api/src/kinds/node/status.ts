import {
  type Infer,
  atomicList,
  bool,
  int32,
  int64,
  map,
  mapList,
  oneOf,
  opt,
  quantity,
  req,
  str,
  time,
} from '../../schema.js';
import { coreV1 } from '../define.js';
import { nodeConfigSource } from './spec.js';

export const nodeCondition = coreV1('NodeCondition', {
  status: req(oneOf(['True', 'False', 'Unknown'])),
  type: req(str()),
  lastHeartbeatTime: opt(time()),
  lastTransitionTime: opt(time()),
  message: opt(str()),
  reason: opt(str()),
});
export type NodeCondition = Infer<typeof nodeCondition>;

export const nodeAddress = coreV1('NodeAddress', {
  address: req(str()),
  type: req(str()),
});
export type NodeAddress = Infer<typeof nodeAddress>;

export const daemonEndpoint = coreV1('DaemonEndpoint', {
  Port: req(int32()),
});
export type DaemonEndpoint = Infer<typeof daemonEndpoint>;

export const nodeDaemonEndpoints = coreV1('NodeDaemonEndpoints', {
  kubeletEndpoint: opt(daemonEndpoint),
});
export type NodeDaemonEndpoints = Infer<typeof nodeDaemonEndpoints>;

export const nodeSwapStatus = coreV1('NodeSwapStatus', {
  capacity: opt(int64()),
});
export type NodeSwapStatus = Infer<typeof nodeSwapStatus>;

export const nodeSystemInfo = coreV1('NodeSystemInfo', {
  architecture: req(str()),
  bootID: req(str()),
  containerRuntimeVersion: req(str()),
  kernelVersion: req(str()),
  kubeProxyVersion: req(str()),
  kubeletVersion: req(str()),
  machineID: req(str()),
  operatingSystem: req(str()),
  osImage: req(str()),
  systemUUID: req(str()),
  swap: opt(nodeSwapStatus),
});
export type NodeSystemInfo = Infer<typeof nodeSystemInfo>;

export const containerImage = coreV1('ContainerImage', {
  names: opt(atomicList(str())),
  sizeBytes: opt(int64()),
});
export type ContainerImage = Infer<typeof containerImage>;

export const attachedVolume = coreV1('AttachedVolume', {
  devicePath: req(str()),
  name: req(str()),
});
export type AttachedVolume = Infer<typeof attachedVolume>;

export const nodeConfigStatus = coreV1('NodeConfigStatus', {
  active: opt(nodeConfigSource),
  assigned: opt(nodeConfigSource),
  error: opt(str()),
  lastKnownGood: opt(nodeConfigSource),
});
export type NodeConfigStatus = Infer<typeof nodeConfigStatus>;

export const nodeRuntimeHandlerFeatures = coreV1('NodeRuntimeHandlerFeatures', {
  recursiveReadOnlyMounts: opt(bool()),
  userNamespaces: opt(bool()),
});
export type NodeRuntimeHandlerFeatures = Infer<typeof nodeRuntimeHandlerFeatures>;

export const nodeRuntimeHandler = coreV1('NodeRuntimeHandler', {
  features: opt(nodeRuntimeHandlerFeatures),
  name: opt(str()),
});
export type NodeRuntimeHandler = Infer<typeof nodeRuntimeHandler>;

export const nodeFeatures = coreV1('NodeFeatures', {
  supplementalGroupsPolicy: opt(bool()),
});
export type NodeFeatures = Infer<typeof nodeFeatures>;

export const nodeStatus = coreV1('NodeStatus', {
  addresses: opt(mapList(nodeAddress, ['type'])),
  allocatable: opt(map(quantity())),
  capacity: opt(map(quantity())),
  conditions: opt(mapList(nodeCondition, ['type'])),
  config: opt(nodeConfigStatus),
  daemonEndpoints: opt(nodeDaemonEndpoints),
  declaredFeatures: opt(atomicList(str())),
  features: opt(nodeFeatures),
  images: opt(atomicList(containerImage)),
  nodeInfo: opt(nodeSystemInfo),
  phase: opt(oneOf(['Pending', 'Running', 'Terminated'])),
  runtimeHandlers: opt(atomicList(nodeRuntimeHandler)),
  volumesAttached: opt(atomicList(attachedVolume)),
  volumesInUse: opt(atomicList(str())),
});
export type NodeStatus = Infer<typeof nodeStatus>;
