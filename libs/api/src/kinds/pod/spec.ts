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
} from '../../schema.js';
import { coreV1 } from '../define.js';
import { objectMeta } from '../meta.js';
import { affinity } from './affinity.js';
import { container, ephemeralContainer } from './containers.js';
import { resourceRequirements } from './resources.js';
import {
  podReadinessGate,
  podSchedulingGate,
  podSchedulingGroup,
  toleration,
  topologySpreadConstraint,
} from './scheduling.js';
import { podSecurityContext } from './security.js';
import { volume } from './volumes.js';
import { localObjectReference } from '../references.js';

export const hostAlias = coreV1('HostAlias', {
  ip: req(str()),
  hostnames: opt(atomicList(str())),
});
export type HostAlias = Infer<typeof hostAlias>;

export const podDNSConfigOption = coreV1('PodDNSConfigOption', {
  name: opt(str()),
  value: opt(str()),
});
export type PodDNSConfigOption = Infer<typeof podDNSConfigOption>;

export const podDNSConfig = coreV1('PodDNSConfig', {
  nameservers: opt(atomicList(str())),
  options: opt(atomicList(podDNSConfigOption)),
  searches: opt(atomicList(str())),
});
export type PodDNSConfig = Infer<typeof podDNSConfig>;

export const podOS = coreV1('PodOS', {
  name: req(oneOf(['linux', 'windows'])),
});
export type PodOS = Infer<typeof podOS>;

export const podResourceClaim = coreV1('PodResourceClaim', {
  name: req(str()),
  resourceClaimName: opt(str()),
  resourceClaimTemplateName: opt(str()),
});
export type PodResourceClaim = Infer<typeof podResourceClaim>;

export const podSpec = coreV1('PodSpec', {
  containers: req(mapList(container, ['name'])),
  activeDeadlineSeconds: opt(int64()),
  affinity: opt(affinity),
  automountServiceAccountToken: opt(bool()),
  dnsConfig: opt(podDNSConfig),
  dnsPolicy: opt(
    oneOf(['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'], { default: 'ClusterFirst' }),
  ),
  enableServiceLinks: opt(bool()),
  ephemeralContainers: opt(mapList(ephemeralContainer, ['name'])),
  hostAliases: opt(mapList(hostAlias, ['ip'])),
  hostIPC: opt(bool()),
  hostNetwork: opt(bool()),
  hostPID: opt(bool()),
  hostUsers: opt(bool()),
  hostname: opt(str()),
  hostnameOverride: opt(str()),
  imagePullSecrets: opt(mapList(localObjectReference, ['name'])),
  initContainers: opt(mapList(container, ['name'])),
  nodeName: opt(str()),
  nodeSelector: opt(map(str(), { atomic: true })),
  os: opt(podOS),
  overhead: opt(map(quantity())),
  preemptionPolicy: opt(oneOf(['Never', 'PreemptLowerPriority'])),
  priority: opt(int32()),
  priorityClassName: opt(str()),
  readinessGates: opt(atomicList(podReadinessGate)),
  resourceClaims: opt(mapList(podResourceClaim, ['name'], { patchStrategy: 'retainKeys' })),
  resources: opt(resourceRequirements),
  restartPolicy: opt(oneOf(['Always', 'OnFailure', 'Never'], { default: 'Always' })),
  runtimeClassName: opt(str()),
  schedulerName: opt(str({ default: 'default-scheduler' })),
  schedulingGates: opt(mapList(podSchedulingGate, ['name'])),
  schedulingGroup: opt(podSchedulingGroup),
  securityContext: opt(podSecurityContext),
  serviceAccount: opt(str()),
  serviceAccountName: opt(str()),
  setHostnameAsFQDN: opt(bool()),
  shareProcessNamespace: opt(bool()),
  subdomain: opt(str()),
  terminationGracePeriodSeconds: opt(int64({ default: 30 })),
  tolerations: opt(atomicList(toleration)),
  topologySpreadConstraints: opt(mapList(topologySpreadConstraint, ['topologyKey', 'whenUnsatisfiable'])),
  volumes: opt(mapList(volume, ['name'], { patchStrategy: 'retainKeys' })),
});
export type PodSpec = Infer<typeof podSpec>;

export const podTemplateSpec = coreV1('PodTemplateSpec', {
  metadata: opt(objectMeta),
  spec: opt(podSpec),
});
export type PodTemplateSpec = Infer<typeof podTemplateSpec>;
