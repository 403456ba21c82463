import type { EnvFromSource, EnvVar, EnvVarSource } from '../../kinds/pod/env.js';
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../kinds/references.js';
import { invalidValue, notSupported, required, type FieldError } from '../../status/index.js';
import { configMapKey, dns1123Subdomain, envVarName } from '../formats.js';
import { child, each, isAbsent, mustHave, when } from '../path.js';

const envFieldPaths: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const resourceFields: readonly string[] = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const hugePages = /^(?:limits|requests)\.hugepages-/;
const subscripted = /^metadata\.(?:annotations|labels)\['[^']+'\]$/;

/** Where `metadata.labels` stands for all of them (volumes) or only one may be named (environment). */
export const validateFieldRef = (
  { apiVersion, fieldPath }: ObjectFieldSelector,
  path: string,
  isWholeMapAllowed: boolean,
): readonly FieldError[] => {
  const at = child(path, 'fieldPath');
  if (isAbsent(apiVersion)) return [required(child(path, 'apiVersion'))];
  if (isAbsent(fieldPath)) return [required(at)];
  const isMap = fieldPath === 'metadata.annotations' || fieldPath === 'metadata.labels';
  if (subscripted.test(fieldPath) || (envFieldPaths.includes(fieldPath) && (!isMap || isWholeMapAllowed)))
    return [];
  return isMap
    ? [notSupported(at, fieldPath, envFieldPaths.slice(2))]
    : [
        invalidValue(
          at,
          fieldPath,
          `error converting fieldPath: field label not supported: ${fieldPath.slice(0, 253)}`,
        ),
      ];
};

export const validateResourceFieldRef = (
  { resource, containerName }: ResourceFieldSelector,
  path: string,
  isContainerNeeded: boolean,
): readonly FieldError[] => {
  if (isContainerNeeded && isAbsent(containerName)) return [required(child(path, 'containerName'))];
  if (isAbsent(resource)) return [required(child(path, 'resource'))];
  return when(!resourceFields.includes(resource) && !hugePages.test(resource), () =>
    notSupported(child(path, 'resource'), resource, resourceFields),
  );
};

const validateKeySelector = (
  { name, key }: { name?: string; key: string },
  path: string,
): readonly FieldError[] => [
  ...mustHave(dns1123Subdomain, name, child(path, 'name')),
  ...mustHave(configMapKey, key, child(path, 'key')),
];

const validateSource = (source: EnvVarSource, path: string): readonly FieldError[] => {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  const set = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(
    (it) => it !== undefined,
  );
  return [
    ...(fieldRef === undefined ? [] : validateFieldRef(fieldRef, child(path, 'fieldRef'), false)),
    ...(resourceFieldRef === undefined
      ? []
      : validateResourceFieldRef(resourceFieldRef, child(path, 'resourceFieldRef'), false)),
    ...(configMapKeyRef === undefined
      ? []
      : validateKeySelector(configMapKeyRef, child(path, 'configMapKeyRef'))),
    ...(secretKeyRef === undefined ? [] : validateKeySelector(secretKeyRef, child(path, 'secretKeyRef'))),
    ...when(set.length === 0, () =>
      invalidValue(
        path,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    ),
    ...when(set.length > 1, () =>
      invalidValue(path, '', 'may not have more than one field specified at a time'),
    ),
  ];
};

const validateVariable = ({ name, value, valueFrom }: EnvVar, path: string): readonly FieldError[] => {
  const at = child(path, 'valueFrom');
  return [
    ...mustHave(envVarName, name, child(path, 'name')),
    ...(valueFrom === undefined ? [] : validateSource(valueFrom, at)),
    ...when(valueFrom !== undefined && !isAbsent(value), () =>
      invalidValue(at, '', 'may not be specified when `value` is not empty'),
    ),
  ];
};

export const validateEnv = (env: readonly EnvVar[] | undefined, path: string): readonly FieldError[] =>
  each(env, path, validateVariable);

const validateFromSource = (
  { prefix, configMapRef, secretRef }: EnvFromSource,
  path: string,
): readonly FieldError[] => {
  const prefixProblems = isAbsent(prefix) || prefix === undefined ? [] : envVarName(prefix);
  return [
    ...prefixProblems.map((said) => invalidValue(child(path, 'prefix'), prefix, said)),
    ...(configMapRef === undefined
      ? []
      : mustHave(dns1123Subdomain, configMapRef.name, child(path, 'configMapRef', 'name'))),
    ...(secretRef === undefined
      ? []
      : mustHave(dns1123Subdomain, secretRef.name, child(path, 'secretRef', 'name'))),
    ...when(configMapRef === undefined && secretRef === undefined, () =>
      invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`'),
    ),
    ...when(configMapRef !== undefined && secretRef !== undefined, () =>
      invalidValue(path, '', 'may not have more than one field specified at a time'),
    ),
  ];
};

export const validateEnvFrom = (
  sources: readonly EnvFromSource[] | undefined,
  path: string,
): readonly FieldError[] => each(sources, path, validateFromSource);
