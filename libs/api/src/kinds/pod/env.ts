import { type Infer, bool, opt, req, str } from '../../schema.js';
import { coreV1 } from '../define.js';
import { objectFieldSelector, resourceFieldSelector } from '../references.js';

export const configMapKeySelector = coreV1(
  'ConfigMapKeySelector',
  {
    key: req(str()),
    name: opt(str()),
    optional: opt(bool()),
  },
  { atomic: true },
);
export type ConfigMapKeySelector = Infer<typeof configMapKeySelector>;

export const secretKeySelector = coreV1(
  'SecretKeySelector',
  {
    key: req(str()),
    name: opt(str()),
    optional: opt(bool()),
  },
  { atomic: true },
);
export type SecretKeySelector = Infer<typeof secretKeySelector>;

export const fileKeySelector = coreV1(
  'FileKeySelector',
  {
    key: req(str()),
    path: req(str()),
    volumeName: req(str()),
    optional: opt(bool({ default: false })),
  },
  { atomic: true },
);
export type FileKeySelector = Infer<typeof fileKeySelector>;

export const envVarSource = coreV1('EnvVarSource', {
  configMapKeyRef: opt(configMapKeySelector),
  fieldRef: opt(objectFieldSelector),
  fileKeyRef: opt(fileKeySelector),
  resourceFieldRef: opt(resourceFieldSelector),
  secretKeyRef: opt(secretKeySelector),
});
export type EnvVarSource = Infer<typeof envVarSource>;

export const envVar = coreV1('EnvVar', {
  name: req(str()),
  value: opt(str()),
  valueFrom: opt(envVarSource),
});
export type EnvVar = Infer<typeof envVar>;

export const configMapEnvSource = coreV1('ConfigMapEnvSource', {
  name: opt(str()),
  optional: opt(bool()),
});
export type ConfigMapEnvSource = Infer<typeof configMapEnvSource>;

export const secretEnvSource = coreV1('SecretEnvSource', {
  name: opt(str()),
  optional: opt(bool()),
});
export type SecretEnvSource = Infer<typeof secretEnvSource>;

export const envFromSource = coreV1('EnvFromSource', {
  configMapRef: opt(configMapEnvSource),
  prefix: opt(str()),
  secretRef: opt(secretEnvSource),
});
export type EnvFromSource = Infer<typeof envFromSource>;
