import { type Infer, atomicList, bool, int32, map, oneOf, opt, req, str } from '../../schema.js';
import { coreV1 } from '../define.js';
import { localObjectReference } from '../references.js';

export const awsElasticBlockStoreVolumeSource = coreV1('AWSElasticBlockStoreVolumeSource', {
  volumeID: req(str()),
  fsType: opt(str()),
  partition: opt(int32()),
  readOnly: opt(bool()),
});
export type AWSElasticBlockStoreVolumeSource = Infer<typeof awsElasticBlockStoreVolumeSource>;

export const azureDiskVolumeSource = coreV1('AzureDiskVolumeSource', {
  diskName: req(str()),
  diskURI: req(str()),
  cachingMode: opt(oneOf(['None', 'ReadOnly', 'ReadWrite'], { default: 'ReadWrite' })),
  fsType: opt(str({ default: 'ext4' })),
  kind: opt(oneOf(['Shared', 'Dedicated', 'Managed'], { default: 'Shared' })),
  readOnly: opt(bool({ default: false })),
});
export type AzureDiskVolumeSource = Infer<typeof azureDiskVolumeSource>;

export const azureFileVolumeSource = coreV1('AzureFileVolumeSource', {
  secretName: req(str()),
  shareName: req(str()),
  readOnly: opt(bool()),
});
export type AzureFileVolumeSource = Infer<typeof azureFileVolumeSource>;

export const cephFSVolumeSource = coreV1('CephFSVolumeSource', {
  monitors: req(atomicList(str())),
  path: opt(str()),
  readOnly: opt(bool()),
  secretFile: opt(str()),
  secretRef: opt(localObjectReference),
  user: opt(str()),
});
export type CephFSVolumeSource = Infer<typeof cephFSVolumeSource>;

export const cinderVolumeSource = coreV1('CinderVolumeSource', {
  volumeID: req(str()),
  fsType: opt(str()),
  readOnly: opt(bool()),
  secretRef: opt(localObjectReference),
});
export type CinderVolumeSource = Infer<typeof cinderVolumeSource>;

export const fcVolumeSource = coreV1('FCVolumeSource', {
  fsType: opt(str()),
  lun: opt(int32()),
  readOnly: opt(bool()),
  targetWWNs: opt(atomicList(str())),
  wwids: opt(atomicList(str())),
});
export type FCVolumeSource = Infer<typeof fcVolumeSource>;

export const flexVolumeSource = coreV1('FlexVolumeSource', {
  driver: req(str()),
  fsType: opt(str()),
  options: opt(map(str())),
  readOnly: opt(bool()),
  secretRef: opt(localObjectReference),
});
export type FlexVolumeSource = Infer<typeof flexVolumeSource>;

export const flockerVolumeSource = coreV1('FlockerVolumeSource', {
  datasetName: opt(str()),
  datasetUUID: opt(str()),
});
export type FlockerVolumeSource = Infer<typeof flockerVolumeSource>;

export const gcePersistentDiskVolumeSource = coreV1('GCEPersistentDiskVolumeSource', {
  pdName: req(str()),
  fsType: opt(str()),
  partition: opt(int32()),
  readOnly: opt(bool()),
});
export type GCEPersistentDiskVolumeSource = Infer<typeof gcePersistentDiskVolumeSource>;

export const gitRepoVolumeSource = coreV1('GitRepoVolumeSource', {
  repository: req(str()),
  directory: opt(str()),
  revision: opt(str()),
});
export type GitRepoVolumeSource = Infer<typeof gitRepoVolumeSource>;

export const glusterfsVolumeSource = coreV1('GlusterfsVolumeSource', {
  endpoints: req(str()),
  path: req(str()),
  readOnly: opt(bool()),
});
export type GlusterfsVolumeSource = Infer<typeof glusterfsVolumeSource>;

export const iscsiVolumeSource = coreV1('ISCSIVolumeSource', {
  iqn: req(str()),
  lun: req(int32()),
  targetPortal: req(str()),
  chapAuthDiscovery: opt(bool()),
  chapAuthSession: opt(bool()),
  fsType: opt(str()),
  initiatorName: opt(str()),
  iscsiInterface: opt(str({ default: 'default' })),
  portals: opt(atomicList(str())),
  readOnly: opt(bool()),
  secretRef: opt(localObjectReference),
});
export type ISCSIVolumeSource = Infer<typeof iscsiVolumeSource>;

export const nfsVolumeSource = coreV1('NFSVolumeSource', {
  path: req(str()),
  server: req(str()),
  readOnly: opt(bool()),
});
export type NFSVolumeSource = Infer<typeof nfsVolumeSource>;

export const photonPersistentDiskVolumeSource = coreV1('PhotonPersistentDiskVolumeSource', {
  pdID: req(str()),
  fsType: opt(str()),
});
export type PhotonPersistentDiskVolumeSource = Infer<typeof photonPersistentDiskVolumeSource>;

export const portworxVolumeSource = coreV1('PortworxVolumeSource', {
  volumeID: req(str()),
  fsType: opt(str()),
  readOnly: opt(bool()),
});
export type PortworxVolumeSource = Infer<typeof portworxVolumeSource>;

export const quobyteVolumeSource = coreV1('QuobyteVolumeSource', {
  registry: req(str()),
  volume: req(str()),
  group: opt(str()),
  readOnly: opt(bool()),
  tenant: opt(str()),
  user: opt(str()),
});
export type QuobyteVolumeSource = Infer<typeof quobyteVolumeSource>;

export const rbdVolumeSource = coreV1('RBDVolumeSource', {
  image: req(str()),
  monitors: req(atomicList(str())),
  fsType: opt(str()),
  keyring: opt(str({ default: '/etc/ceph/keyring' })),
  pool: opt(str({ default: 'rbd' })),
  readOnly: opt(bool()),
  secretRef: opt(localObjectReference),
  user: opt(str({ default: 'admin' })),
});
export type RBDVolumeSource = Infer<typeof rbdVolumeSource>;

export const scaleIOVolumeSource = coreV1('ScaleIOVolumeSource', {
  gateway: req(str()),
  secretRef: req(localObjectReference),
  system: req(str()),
  fsType: opt(str({ default: 'xfs' })),
  protectionDomain: opt(str()),
  readOnly: opt(bool()),
  sslEnabled: opt(bool()),
  storageMode: opt(str({ default: 'ThinProvisioned' })),
  storagePool: opt(str()),
  volumeName: opt(str()),
});
export type ScaleIOVolumeSource = Infer<typeof scaleIOVolumeSource>;

export const storageOSVolumeSource = coreV1('StorageOSVolumeSource', {
  fsType: opt(str()),
  readOnly: opt(bool()),
  secretRef: opt(localObjectReference),
  volumeName: opt(str()),
  volumeNamespace: opt(str()),
});
export type StorageOSVolumeSource = Infer<typeof storageOSVolumeSource>;

export const vsphereVirtualDiskVolumeSource = coreV1('VsphereVirtualDiskVolumeSource', {
  volumePath: req(str()),
  fsType: opt(str()),
  storagePolicyID: opt(str()),
  storagePolicyName: opt(str()),
});
export type VsphereVirtualDiskVolumeSource = Infer<typeof vsphereVirtualDiskVolumeSource>;
