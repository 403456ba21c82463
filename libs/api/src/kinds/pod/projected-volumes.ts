import { type Infer, atomicList, bool, int32, int64, map, opt, req, str } from '../../schema.js';
import { coreV1 } from '../define.js';
import { labelSelector } from '../meta.js';
import { objectFieldSelector, resourceFieldSelector } from '../references.js';

export const keyToPath = coreV1('KeyToPath', {
  key: req(str()),
  path: req(str()),
  mode: opt(int32()),
});
export type KeyToPath = Infer<typeof keyToPath>;

export const downwardAPIVolumeFile = coreV1('DownwardAPIVolumeFile', {
  path: req(str()),
  fieldRef: opt(objectFieldSelector),
  mode: opt(int32()),
  resourceFieldRef: opt(resourceFieldSelector),
});
export type DownwardAPIVolumeFile = Infer<typeof downwardAPIVolumeFile>;

export const configMapVolumeSource = coreV1('ConfigMapVolumeSource', {
  defaultMode: opt(int32({ default: 420 })),
  items: opt(atomicList(keyToPath)),
  name: opt(str()),
  optional: opt(bool()),
});
export type ConfigMapVolumeSource = Infer<typeof configMapVolumeSource>;

export const secretVolumeSource = coreV1('SecretVolumeSource', {
  defaultMode: opt(int32({ default: 420 })),
  items: opt(atomicList(keyToPath)),
  optional: opt(bool()),
  secretName: opt(str()),
});
export type SecretVolumeSource = Infer<typeof secretVolumeSource>;

export const downwardAPIVolumeSource = coreV1('DownwardAPIVolumeSource', {
  defaultMode: opt(int32({ default: 420 })),
  items: opt(atomicList(downwardAPIVolumeFile)),
});
export type DownwardAPIVolumeSource = Infer<typeof downwardAPIVolumeSource>;

export const configMapProjection = coreV1('ConfigMapProjection', {
  items: opt(atomicList(keyToPath)),
  name: opt(str()),
  optional: opt(bool()),
});
export type ConfigMapProjection = Infer<typeof configMapProjection>;

export const secretProjection = coreV1('SecretProjection', {
  items: opt(atomicList(keyToPath)),
  name: opt(str()),
  optional: opt(bool()),
});
export type SecretProjection = Infer<typeof secretProjection>;

export const downwardAPIProjection = coreV1('DownwardAPIProjection', {
  items: opt(atomicList(downwardAPIVolumeFile)),
});
export type DownwardAPIProjection = Infer<typeof downwardAPIProjection>;

export const serviceAccountTokenProjection = coreV1('ServiceAccountTokenProjection', {
  path: req(str()),
  audience: opt(str()),
  expirationSeconds: opt(int64({ default: 3600 })),
});
export type ServiceAccountTokenProjection = Infer<typeof serviceAccountTokenProjection>;

export const clusterTrustBundleProjection = coreV1('ClusterTrustBundleProjection', {
  path: req(str()),
  labelSelector: opt(labelSelector),
  name: opt(str()),
  optional: opt(bool()),
  signerName: opt(str()),
});
export type ClusterTrustBundleProjection = Infer<typeof clusterTrustBundleProjection>;

export const podCertificateProjection = coreV1('PodCertificateProjection', {
  keyType: req(str()),
  signerName: req(str()),
  certificateChainPath: opt(str()),
  credentialBundlePath: opt(str()),
  keyPath: opt(str()),
  maxExpirationSeconds: opt(int32({ default: 86400 })),
  userAnnotations: opt(map(str())),
});
export type PodCertificateProjection = Infer<typeof podCertificateProjection>;

export const volumeProjection = coreV1('VolumeProjection', {
  clusterTrustBundle: opt(clusterTrustBundleProjection),
  configMap: opt(configMapProjection),
  downwardAPI: opt(downwardAPIProjection),
  podCertificate: opt(podCertificateProjection),
  secret: opt(secretProjection),
  serviceAccountToken: opt(serviceAccountTokenProjection),
});
export type VolumeProjection = Infer<typeof volumeProjection>;

export const projectedVolumeSource = coreV1('ProjectedVolumeSource', {
  defaultMode: opt(int32({ default: 420 })),
  sources: opt(atomicList(volumeProjection)),
});
export type ProjectedVolumeSource = Infer<typeof projectedVolumeSource>;
