import { type Infer, atomicList, bool, map, oneOf, opt, quantity, req, str } from '../../schema.js';
import { coreV1 } from '../define.js';
import { labelSelector, objectMeta } from '../meta.js';
import {
  awsElasticBlockStoreVolumeSource,
  azureDiskVolumeSource,
  azureFileVolumeSource,
  cephFSVolumeSource,
  cinderVolumeSource,
  fcVolumeSource,
  flexVolumeSource,
  flockerVolumeSource,
  gcePersistentDiskVolumeSource,
  gitRepoVolumeSource,
  glusterfsVolumeSource,
  iscsiVolumeSource,
  nfsVolumeSource,
  photonPersistentDiskVolumeSource,
  portworxVolumeSource,
  quobyteVolumeSource,
  rbdVolumeSource,
  scaleIOVolumeSource,
  storageOSVolumeSource,
  vsphereVirtualDiskVolumeSource,
} from './network-volumes.js';
import {
  configMapVolumeSource,
  downwardAPIVolumeSource,
  projectedVolumeSource,
  secretVolumeSource,
} from './projected-volumes.js';
import { volumeResourceRequirements } from './resources.js';
import { localObjectReference, typedLocalObjectReference, typedObjectReference } from '../references.js';

export const emptyDirVolumeSource = coreV1('EmptyDirVolumeSource', {
  medium: opt(str()),
  sizeLimit: opt(quantity()),
});
export type EmptyDirVolumeSource = Infer<typeof emptyDirVolumeSource>;

export const hostPathVolumeSource = coreV1('HostPathVolumeSource', {
  path: req(str()),
  type: opt(
    oneOf(
      ['', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice'],
      { default: '' },
    ),
  ),
});
export type HostPathVolumeSource = Infer<typeof hostPathVolumeSource>;

export const imageVolumeSource = coreV1('ImageVolumeSource', {
  pullPolicy: opt(oneOf(['Always', 'IfNotPresent', 'Never'])),
  reference: opt(str()),
});
export type ImageVolumeSource = Infer<typeof imageVolumeSource>;

export const csiVolumeSource = coreV1('CSIVolumeSource', {
  driver: req(str()),
  fsType: opt(str()),
  nodePublishSecretRef: opt(localObjectReference),
  readOnly: opt(bool()),
  volumeAttributes: opt(map(str())),
});
export type CSIVolumeSource = Infer<typeof csiVolumeSource>;

export const persistentVolumeClaimVolumeSource = coreV1('PersistentVolumeClaimVolumeSource', {
  claimName: req(str()),
  readOnly: opt(bool()),
});
export type PersistentVolumeClaimVolumeSource = Infer<typeof persistentVolumeClaimVolumeSource>;

export const persistentVolumeClaimSpec = coreV1('PersistentVolumeClaimSpec', {
  accessModes: opt(atomicList(oneOf(['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod']))),
  dataSource: opt(typedLocalObjectReference),
  dataSourceRef: opt(typedObjectReference),
  resources: opt(volumeResourceRequirements),
  selector: opt(labelSelector),
  storageClassName: opt(str()),
  volumeAttributesClassName: opt(str()),
  volumeMode: opt(oneOf(['Block', 'Filesystem'], { default: 'Filesystem' })),
  volumeName: opt(str()),
});
export type PersistentVolumeClaimSpec = Infer<typeof persistentVolumeClaimSpec>;

export const persistentVolumeClaimTemplate = coreV1('PersistentVolumeClaimTemplate', {
  spec: req(persistentVolumeClaimSpec),
  metadata: opt(objectMeta),
});
export type PersistentVolumeClaimTemplate = Infer<typeof persistentVolumeClaimTemplate>;

export const ephemeralVolumeSource = coreV1('EphemeralVolumeSource', {
  volumeClaimTemplate: opt(persistentVolumeClaimTemplate),
});
export type EphemeralVolumeSource = Infer<typeof ephemeralVolumeSource>;

export const volume = coreV1('Volume', {
  name: req(str()),
  awsElasticBlockStore: opt(awsElasticBlockStoreVolumeSource),
  azureDisk: opt(azureDiskVolumeSource),
  azureFile: opt(azureFileVolumeSource),
  cephfs: opt(cephFSVolumeSource),
  cinder: opt(cinderVolumeSource),
  configMap: opt(configMapVolumeSource),
  csi: opt(csiVolumeSource),
  downwardAPI: opt(downwardAPIVolumeSource),
  emptyDir: opt(emptyDirVolumeSource),
  ephemeral: opt(ephemeralVolumeSource),
  fc: opt(fcVolumeSource),
  flexVolume: opt(flexVolumeSource),
  flocker: opt(flockerVolumeSource),
  gcePersistentDisk: opt(gcePersistentDiskVolumeSource),
  gitRepo: opt(gitRepoVolumeSource),
  glusterfs: opt(glusterfsVolumeSource),
  hostPath: opt(hostPathVolumeSource),
  image: opt(imageVolumeSource),
  iscsi: opt(iscsiVolumeSource),
  nfs: opt(nfsVolumeSource),
  persistentVolumeClaim: opt(persistentVolumeClaimVolumeSource),
  photonPersistentDisk: opt(photonPersistentDiskVolumeSource),
  portworxVolume: opt(portworxVolumeSource),
  projected: opt(projectedVolumeSource),
  quobyte: opt(quobyteVolumeSource),
  rbd: opt(rbdVolumeSource),
  scaleIO: opt(scaleIOVolumeSource),
  secret: opt(secretVolumeSource),
  storageos: opt(storageOSVolumeSource),
  vsphereVolume: opt(vsphereVirtualDiskVolumeSource),
});
export type Volume = Infer<typeof volume>;
