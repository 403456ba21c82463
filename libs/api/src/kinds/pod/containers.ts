import { type Infer, atomicList, bool, int32, mapList, oneOf, opt, req, setList, str } from '../../schema.js';
import { coreV1 } from '../define.js';
import { envFromSource, envVar } from './env.js';
import { lifecycle, probe } from './probes.js';
import { containerResizePolicy, resourceRequirements } from './resources.js';
import { securityContext } from './security.js';

export const containerPort = coreV1('ContainerPort', {
  containerPort: req(int32()),
  hostIP: opt(str()),
  hostPort: opt(int32()),
  name: opt(str()),
  protocol: opt(oneOf(['TCP', 'UDP', 'SCTP'], { default: 'TCP' })),
});
export type ContainerPort = Infer<typeof containerPort>;

export const volumeMount = coreV1('VolumeMount', {
  mountPath: req(str()),
  name: req(str()),
  mountPropagation: opt(oneOf(['None', 'HostToContainer', 'Bidirectional'])),
  readOnly: opt(bool()),
  recursiveReadOnly: opt(oneOf(['Disabled', 'Enabled', 'IfPossible'])),
  subPath: opt(str()),
  subPathExpr: opt(str()),
});
export type VolumeMount = Infer<typeof volumeMount>;

export const volumeDevice = coreV1('VolumeDevice', {
  devicePath: req(str()),
  name: req(str()),
});
export type VolumeDevice = Infer<typeof volumeDevice>;

export const containerRestartRuleOnExitCodes = coreV1('ContainerRestartRuleOnExitCodes', {
  operator: req(oneOf(['In', 'NotIn'])),
  values: opt(setList(int32())),
});
export type ContainerRestartRuleOnExitCodes = Infer<typeof containerRestartRuleOnExitCodes>;

export const containerRestartRule = coreV1('ContainerRestartRule', {
  action: req(oneOf(['Restart'])),
  exitCodes: opt(containerRestartRuleOnExitCodes),
});
export type ContainerRestartRule = Infer<typeof containerRestartRule>;

export const container = coreV1('Container', {
  name: req(str()),
  args: opt(atomicList(str())),
  command: opt(atomicList(str())),
  env: opt(mapList(envVar, ['name'])),
  envFrom: opt(atomicList(envFromSource)),
  image: opt(str()),
  imagePullPolicy: opt(oneOf(['Always', 'IfNotPresent', 'Never'])),
  lifecycle: opt(lifecycle),
  livenessProbe: opt(probe),
  ports: opt(mapList(containerPort, ['containerPort', 'protocol'])),
  readinessProbe: opt(probe),
  resizePolicy: opt(atomicList(containerResizePolicy)),
  resources: opt(resourceRequirements),
  restartPolicy: opt(str()),
  restartPolicyRules: opt(atomicList(containerRestartRule)),
  securityContext: opt(securityContext),
  startupProbe: opt(probe),
  stdin: opt(bool()),
  stdinOnce: opt(bool()),
  terminationMessagePath: opt(str({ default: '/dev/termination-log' })),
  terminationMessagePolicy: opt(oneOf(['File', 'FallbackToLogsOnError'], { default: 'File' })),
  tty: opt(bool()),
  volumeDevices: opt(mapList(volumeDevice, ['devicePath'])),
  volumeMounts: opt(mapList(volumeMount, ['mountPath'])),
  workingDir: opt(str()),
});
export type Container = Infer<typeof container>;

export const ephemeralContainer = coreV1('EphemeralContainer', {
  name: req(str()),
  args: opt(atomicList(str())),
  command: opt(atomicList(str())),
  env: opt(mapList(envVar, ['name'])),
  envFrom: opt(atomicList(envFromSource)),
  image: opt(str()),
  imagePullPolicy: opt(oneOf(['Always', 'IfNotPresent', 'Never'])),
  lifecycle: opt(lifecycle),
  livenessProbe: opt(probe),
  ports: opt(mapList(containerPort, ['containerPort', 'protocol'])),
  readinessProbe: opt(probe),
  resizePolicy: opt(atomicList(containerResizePolicy)),
  resources: opt(resourceRequirements),
  restartPolicy: opt(str()),
  restartPolicyRules: opt(atomicList(containerRestartRule)),
  securityContext: opt(securityContext),
  startupProbe: opt(probe),
  stdin: opt(bool()),
  stdinOnce: opt(bool()),
  targetContainerName: opt(str()),
  terminationMessagePath: opt(str({ default: '/dev/termination-log' })),
  terminationMessagePolicy: opt(oneOf(['File', 'FallbackToLogsOnError'], { default: 'File' })),
  tty: opt(bool()),
  volumeDevices: opt(mapList(volumeDevice, ['devicePath'])),
  volumeMounts: opt(mapList(volumeMount, ['mountPath'])),
  workingDir: opt(str()),
});
export type EphemeralContainer = Infer<typeof ephemeralContainer>;
