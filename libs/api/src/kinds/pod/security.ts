import { type Infer, atomicList, bool, int64, oneOf, opt, req, str } from '../../schema.js';
import { coreV1 } from '../define.js';

export const appArmorProfile = coreV1('AppArmorProfile', {
  type: req(oneOf(['Localhost', 'RuntimeDefault', 'Unconfined'])),
  localhostProfile: opt(str()),
});
export type AppArmorProfile = Infer<typeof appArmorProfile>;

export const seccompProfile = coreV1('SeccompProfile', {
  type: req(oneOf(['Localhost', 'RuntimeDefault', 'Unconfined'])),
  localhostProfile: opt(str()),
});
export type SeccompProfile = Infer<typeof seccompProfile>;

export const capabilities = coreV1('Capabilities', {
  add: opt(atomicList(str())),
  drop: opt(atomicList(str())),
});
export type Capabilities = Infer<typeof capabilities>;

export const seLinuxOptions = coreV1('SELinuxOptions', {
  level: opt(str()),
  role: opt(str()),
  type: opt(str()),
  user: opt(str()),
});
export type SELinuxOptions = Infer<typeof seLinuxOptions>;

export const windowsSecurityContextOptions = coreV1('WindowsSecurityContextOptions', {
  gmsaCredentialSpec: opt(str()),
  gmsaCredentialSpecName: opt(str()),
  hostProcess: opt(bool()),
  runAsUserName: opt(str()),
});
export type WindowsSecurityContextOptions = Infer<typeof windowsSecurityContextOptions>;

export const securityContext = coreV1('SecurityContext', {
  allowPrivilegeEscalation: opt(bool()),
  appArmorProfile: opt(appArmorProfile),
  capabilities: opt(capabilities),
  privileged: opt(bool()),
  procMount: opt(oneOf(['Default', 'Unmasked'])),
  readOnlyRootFilesystem: opt(bool()),
  runAsGroup: opt(int64()),
  runAsNonRoot: opt(bool()),
  runAsUser: opt(int64()),
  seLinuxOptions: opt(seLinuxOptions),
  seccompProfile: opt(seccompProfile),
  windowsOptions: opt(windowsSecurityContextOptions),
});
export type SecurityContext = Infer<typeof securityContext>;

export const sysctl = coreV1('Sysctl', {
  name: req(str()),
  value: req(str()),
});
export type Sysctl = Infer<typeof sysctl>;

export const podSecurityContext = coreV1('PodSecurityContext', {
  appArmorProfile: opt(appArmorProfile),
  fsGroup: opt(int64()),
  fsGroupChangePolicy: opt(oneOf(['Always', 'OnRootMismatch'])),
  runAsGroup: opt(int64()),
  runAsNonRoot: opt(bool()),
  runAsUser: opt(int64()),
  seLinuxChangePolicy: opt(oneOf(['MountOption', 'Recursive'])),
  seLinuxOptions: opt(seLinuxOptions),
  seccompProfile: opt(seccompProfile),
  supplementalGroups: opt(atomicList(int64())),
  supplementalGroupsPolicy: opt(oneOf(['Merge', 'Strict'])),
  sysctls: opt(atomicList(sysctl)),
  windowsOptions: opt(windowsSecurityContextOptions),
});
export type PodSecurityContext = Infer<typeof podSecurityContext>;
