import {
  type Infer,
  atomicList,
  bool,
  int32,
  int64,
  map,
  mapList,
  opt,
  quantity,
  req,
  str,
  time,
} from '../../schema.js';
import { coreV1 } from '../define.js';
import { resourceRequirements } from './resources.js';

export const containerStateWaiting = coreV1('ContainerStateWaiting', {
  message: opt(str()),
  reason: opt(str()),
});
export type ContainerStateWaiting = Infer<typeof containerStateWaiting>;

export const containerStateRunning = coreV1('ContainerStateRunning', {
  startedAt: opt(time()),
});
export type ContainerStateRunning = Infer<typeof containerStateRunning>;

export const containerStateTerminated = coreV1('ContainerStateTerminated', {
  exitCode: req(int32()),
  containerID: opt(str()),
  finishedAt: opt(time()),
  message: opt(str()),
  reason: opt(str()),
  signal: opt(int32()),
  startedAt: opt(time()),
});
export type ContainerStateTerminated = Infer<typeof containerStateTerminated>;

export const containerState = coreV1('ContainerState', {
  running: opt(containerStateRunning),
  terminated: opt(containerStateTerminated),
  waiting: opt(containerStateWaiting),
});
export type ContainerState = Infer<typeof containerState>;

export const linuxContainerUser = coreV1('LinuxContainerUser', {
  gid: req(int64()),
  uid: req(int64()),
  supplementalGroups: opt(atomicList(int64())),
});
export type LinuxContainerUser = Infer<typeof linuxContainerUser>;

export const containerUser = coreV1('ContainerUser', {
  linux: opt(linuxContainerUser),
});
export type ContainerUser = Infer<typeof containerUser>;

export const imageVolumeStatus = coreV1('ImageVolumeStatus', {
  imageRef: req(str()),
});
export type ImageVolumeStatus = Infer<typeof imageVolumeStatus>;

export const volumeStatus = coreV1('VolumeStatus', {
  image: opt(imageVolumeStatus),
});
export type VolumeStatus = Infer<typeof volumeStatus>;

export const volumeMountStatus = coreV1('VolumeMountStatus', {
  mountPath: req(str()),
  name: req(str()),
  readOnly: opt(bool()),
  recursiveReadOnly: opt(str()),
  volumeStatus: opt(volumeStatus),
});
export type VolumeMountStatus = Infer<typeof volumeMountStatus>;

export const resourceHealth = coreV1('ResourceHealth', {
  resourceID: req(str()),
  health: opt(str()),
  message: opt(str()),
});
export type ResourceHealth = Infer<typeof resourceHealth>;

export const resourceStatus = coreV1('ResourceStatus', {
  name: req(str()),
  resources: opt(mapList(resourceHealth, ['resourceID'], { patchMergeKey: null })),
});
export type ResourceStatus = Infer<typeof resourceStatus>;

export const containerStatus = coreV1('ContainerStatus', {
  image: req(str()),
  imageID: req(str()),
  name: req(str()),
  ready: req(bool()),
  restartCount: req(int32()),
  allocatedResources: opt(map(quantity())),
  allocatedResourcesStatus: opt(mapList(resourceStatus, ['name'])),
  containerID: opt(str()),
  lastState: opt(containerState),
  resources: opt(resourceRequirements),
  started: opt(bool()),
  state: opt(containerState),
  stopSignal: opt(str()),
  user: opt(containerUser),
  volumeMounts: opt(mapList(volumeMountStatus, ['mountPath'])),
});
export type ContainerStatus = Infer<typeof containerStatus>;
