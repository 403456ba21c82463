import type {
  AppArmorProfile,
  PodSecurityContext,
  SeccompProfile,
  SecurityContext,
} from '../../kinds/pod/security.js';
import { invalidValue, required, type FieldError } from '../../status/index.js';
import { between, child, each, isAbsent, when } from '../path.js';

const idRange = [0, 2 ** 31 - 1] as const;

const validateProfile = (
  profile: SeccompProfile | AppArmorProfile | undefined,
  path: string,
  what: string,
): readonly FieldError[] => {
  const at = child(path, 'localhostProfile');
  const name = profile?.localhostProfile;
  return [
    ...when(profile?.type === 'Localhost' && isAbsent(name), () =>
      required(at, `must be set when ${what} type is Localhost`),
    ),
    ...when(profile !== undefined && profile.type !== 'Localhost' && name !== undefined, () =>
      invalidValue(at, name, `can only be set when ${what} type is Localhost`),
    ),
    ...when(name !== undefined && name.startsWith('/'), () =>
      invalidValue(at, name, 'must be a relative path'),
    ),
    ...when(name !== undefined && name.split('/').includes('..'), () =>
      invalidValue(at, name, "must not contain '..'"),
    ),
  ];
};

const validateProfiles = (
  context: Pick<SecurityContext, 'seccompProfile' | 'appArmorProfile'>,
  path: string,
): readonly FieldError[] => [
  ...validateProfile(context.seccompProfile, child(path, 'seccompProfile'), 'seccomp'),
  ...validateProfile(context.appArmorProfile, child(path, 'appArmorProfile'), 'AppArmor'),
];

export const validateSecurityContext = (
  context: SecurityContext | undefined,
  path: string,
): readonly FieldError[] => {
  if (context === undefined) return [];
  const gains = 'cannot set `allowPrivilegeEscalation` to false and ';
  const isHeldDown = context.allowPrivilegeEscalation === false;
  return [
    ...between(context.runAsUser, child(path, 'runAsUser'), idRange),
    ...between(context.runAsGroup, child(path, 'runAsGroup'), idRange),
    ...when(isHeldDown && context.privileged === true, () =>
      invalidValue(path, context, `${gains}\`privileged\` to true`),
    ),
    ...when(isHeldDown && context.capabilities?.add?.includes('CAP_SYS_ADMIN') === true, () =>
      invalidValue(path, context, `${gains}\`capabilities.Add\` CAP_SYS_ADMIN`),
    ),
    ...validateProfiles(context, path),
  ];
};

const sysctl = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const SYSCTL_LENGTH_MAX = 253;

export const validatePodSecurityContext = (
  context: PodSecurityContext | undefined,
  path: string,
): readonly FieldError[] => {
  if (context === undefined) return [];
  return [
    ...between(context.fsGroup, child(path, 'fsGroup'), idRange),
    ...between(context.runAsUser, child(path, 'runAsUser'), idRange),
    ...between(context.runAsGroup, child(path, 'runAsGroup'), idRange),
    ...each(context.supplementalGroups, child(path, 'supplementalGroups'), (group, at) =>
      between(group, at, idRange),
    ),
    ...each(context.sysctls, child(path, 'sysctls'), ({ name }, at) => {
      if (isAbsent(name)) return [required(child(at, 'name'))];
      return when(name.length > SYSCTL_LENGTH_MAX || !sysctl.test(name), () =>
        invalidValue(
          child(at, 'name'),
          name,
          `must have at most ${SYSCTL_LENGTH_MAX} characters and match regex ${sysctl.source}`,
        ),
      );
    }),
    ...validateProfiles(context, path),
  ];
};
