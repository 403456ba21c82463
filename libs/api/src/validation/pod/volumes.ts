import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  VolumeProjection,
} from '../../kinds/pod/projected-volumes.js';
import type { Volume } from '../../kinds/pod/volumes.js';
import { InvalidQuantity, parseQuantity } from '../../quantity.js';
import { duplicate, forbiddenField, invalidValue, required, type FieldError } from '../../status/index.js';
import { dns1123Label, dns1123Subdomain } from '../formats.js';
import { child, each, exactlyOne, isAbsent, mustBe, mustHave, repeated, when } from '../path.js';
import { validateFieldRef, validateResourceFieldRef } from './env.js';

const MODE_MAX = 0o777;

const validateMode = (mode: number | undefined, path: string): readonly FieldError[] =>
  when(mode !== undefined && (mode < 0 || mode > MODE_MAX), () =>
    invalidValue(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive'),
  );

const hasBackStep = (target: string): boolean => target.split('/').includes('..');

const mustStayWithin = (target: string, path: string): readonly FieldError[] =>
  when(hasBackStep(target), () => invalidValue(path, target, "must not contain '..'"));

/** A path inside a volume. */
export const validateRelativePath = (target: string | undefined, path: string): readonly FieldError[] => {
  if (target === undefined || target === '') return [];
  return [
    ...when(target.startsWith('/'), () => invalidValue(path, target, 'must be a relative path')),
    ...mustStayWithin(target, path),
  ];
};

const validateFilePath = (target: string | undefined, path: string): readonly FieldError[] =>
  isAbsent(target) || target === undefined
    ? [required(path)]
    : [
        ...validateRelativePath(target, path),
        ...when(target.startsWith('..') && !hasBackStep(target), () =>
          invalidValue(path, target, "must not start with '..'"),
        ),
      ];

const validateItem = ({ key, path: target, mode }: KeyToPath, path: string): readonly FieldError[] => [
  ...when(isAbsent(key), () => required(child(path, 'key'))),
  ...validateFilePath(target, child(path, 'path')),
  ...validateMode(mode, child(path, 'mode')),
];

const validateDownwardFile = (file: DownwardAPIVolumeFile, path: string): readonly FieldError[] => {
  const { fieldRef, resourceFieldRef } = file;
  return [
    ...validateFilePath(file.path, child(path, 'path')),
    ...validateMode(file.mode, child(path, 'mode')),
    ...(fieldRef === undefined ? [] : validateFieldRef(fieldRef, child(path, 'fieldRef'), true)),
    ...(resourceFieldRef === undefined
      ? []
      : validateResourceFieldRef(resourceFieldRef, child(path, 'resourceFieldRef'), true)),
    ...when(fieldRef === undefined && resourceFieldRef === undefined, () =>
      required(path, 'one of fieldRef and resourceFieldRef is required'),
    ),
    ...when(fieldRef !== undefined && resourceFieldRef !== undefined, () =>
      invalidValue(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'),
    ),
  ];
};

const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;

const validateToken = (
  { path: target, expirationSeconds }: NonNullable<VolumeProjection['serviceAccountToken']>,
  path: string,
): readonly FieldError[] => [
  ...validateFilePath(target, child(path, 'path')),
  ...when(expirationSeconds !== undefined && expirationSeconds < TOKEN_SECONDS_MIN, () =>
    invalidValue(
      child(path, 'expirationSeconds'),
      expirationSeconds,
      'may not specify a duration less than 10 minutes',
    ),
  ),
  ...when(expirationSeconds !== undefined && expirationSeconds > TOKEN_SECONDS_MAX, () =>
    invalidValue(
      child(path, 'expirationSeconds'),
      expirationSeconds,
      'may not specify a duration larger than 2^32 seconds',
    ),
  ),
];

const validateProjection = (source: VolumeProjection, path: string): readonly FieldError[] => {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  return [
    ...(configMap === undefined
      ? []
      : [
          ...mustHave(dns1123Subdomain, configMap.name, child(path, 'configMap', 'name')),
          ...each(configMap.items, child(path, 'configMap', 'items'), validateItem),
        ]),
    ...(secret === undefined
      ? []
      : [
          ...mustHave(dns1123Subdomain, secret.name, child(path, 'secret', 'name')),
          ...each(secret.items, child(path, 'secret', 'items'), validateItem),
        ]),
    ...each(downwardAPI?.items, child(path, 'downwardAPI', 'items'), validateDownwardFile),
    ...(serviceAccountToken === undefined
      ? []
      : validateToken(serviceAccountToken, child(path, 'serviceAccountToken'))),
    ...exactlyOne(
      { ...source },
      path,
      'must specify one of: `secret`, `downwardAPI`, `configMap`, `serviceAccountToken`, `clusterTrustBundle` or `podCertificate`',
      'may not specify more than 1 volume type',
    ),
  ];
};

const validateProjected = (
  { sources, defaultMode }: ProjectedVolumeSource,
  path: string,
): readonly FieldError[] => [
  ...validateMode(defaultMode, child(path, 'defaultMode')),
  ...each(sources, child(path, 'sources'), validateProjection),
];

const validateEmptyDir = (
  { sizeLimit }: NonNullable<Volume['emptyDir']>,
  path: string,
): readonly FieldError[] => {
  const amount = sizeLimit === undefined ? undefined : parseQuantity(sizeLimit);
  return when(amount !== undefined && (amount instanceof InvalidQuantity || amount.nanos < 0n), () =>
    forbiddenField(child(path, 'sizeLimit'), 'SizeLimit field must be a valid resource quantity'),
  );
};

const validateFiles = (
  { items, defaultMode }: { items?: readonly KeyToPath[]; defaultMode?: number },
  path: string,
): readonly FieldError[] => [
  ...validateMode(defaultMode, child(path, 'defaultMode')),
  ...each(items, child(path, 'items'), validateItem),
];

/** The sources that a Raftsman node serves, closely; the others by what their schema requires. */
const validateSource = (volume: Volume, path: string): readonly FieldError[] => {
  const { emptyDir, hostPath, configMap, secret, downwardAPI, projected, persistentVolumeClaim, nfs } =
    volume;
  return [
    ...(emptyDir === undefined ? [] : validateEmptyDir(emptyDir, child(path, 'emptyDir'))),
    ...(hostPath === undefined
      ? []
      : isAbsent(hostPath.path)
        ? [required(child(path, 'hostPath', 'path'))]
        : mustStayWithin(hostPath.path, child(path, 'hostPath', 'path'))),
    ...(configMap === undefined
      ? []
      : [
          ...when(isAbsent(configMap.name), () => required(child(path, 'configMap', 'name'))),
          ...validateFiles(configMap, child(path, 'configMap')),
        ]),
    ...(secret === undefined
      ? []
      : [
          ...when(isAbsent(secret.secretName), () => required(child(path, 'secret', 'secretName'))),
          ...validateFiles(secret, child(path, 'secret')),
        ]),
    ...validateMode(downwardAPI?.defaultMode, child(path, 'downwardAPI', 'defaultMode')),
    ...each(downwardAPI?.items, child(path, 'downwardAPI', 'items'), validateDownwardFile),
    ...(projected === undefined ? [] : validateProjected(projected, child(path, 'projected'))),
    ...when(persistentVolumeClaim !== undefined && isAbsent(persistentVolumeClaim.claimName), () =>
      required(child(path, 'persistentVolumeClaim', 'claimName')),
    ),
    ...when(nfs !== undefined && !isAbsent(nfs.path) && !nfs.path.startsWith('/'), () =>
      invalidValue(child(path, 'nfs', 'path'), nfs?.path, 'must be an absolute path'),
    ),
  ];
};

const validateVolume = (volume: Volume, path: string): readonly FieldError[] => {
  const { name, ...sources } = volume;
  return [
    ...exactlyOne(sources, path, 'must specify a volume type', 'may not specify more than 1 volume type'),
    ...validateSource(volume, path),
    ...(isAbsent(name) ? [required(child(path, 'name'))] : mustBe(dns1123Label, name, child(path, 'name'))),
  ];
};

export const validateVolumes = (
  volumes: readonly Volume[] | undefined,
  path: string,
): readonly FieldError[] => [
  ...each(volumes, path, validateVolume),
  ...repeated(volumes, ({ name }) => name).map(({ index, text }) =>
    duplicate(`${path}[${index}].name`, text),
  ),
];
