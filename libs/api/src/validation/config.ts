import type { ConfigMap } from '../kinds/config-map.js';
import type { Secret } from '../kinds/secret.js';
import { limits } from '../limits.js';
import { forbiddenField, invalidValue, required, tooLong, type FieldError } from '../status/index.js';
import { semanticEqual } from '../values.js';
import { configMapKey } from './formats.js';
import { immutable, utf8Length } from './metadata.js';
import { keyed, mustBe, when } from './path.js';

type Data = { readonly [key: string]: string };

const validateKeys = (data: Data | undefined, path: string): readonly FieldError[] =>
  Object.keys(data ?? {}).flatMap((key) => mustBe(configMapKey, key, keyed(path, key)));

/** Of what base64 stands for. */
const decodedBytes = (text: string): number =>
  (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);

const binarySizeBytes = (data: Data | undefined): number =>
  Object.values(data ?? {}).reduce((sum, value) => sum + decodedBytes(value), 0);

const valuesSizeBytes = (data: Data | undefined): number =>
  Object.values(data ?? {}).reduce((sum, value) => sum + utf8Length(value), 0);

const mustFit = (sizeBytes: number, path: string): readonly FieldError[] =>
  when(sizeBytes > limits.dataSizeMaxBytes, () => tooLong(path, '', limits.dataSizeMaxBytes));

export const validateConfigMap = ({ data = {}, binaryData = {} }: ConfigMap): readonly FieldError[] => [
  ...validateKeys(data, 'data'),
  ...Object.keys(data)
    .filter((key) => Object.hasOwn(binaryData, key))
    .map((key) => invalidValue(keyed('data', key), key, 'duplicate of key present in binaryData')),
  ...validateKeys(binaryData, 'binaryData'),
  ...mustFit(valuesSizeBytes(data) + binarySizeBytes(binaryData), ''),
];

/** What a type of secret must hold: https://kubernetes.io/docs/concepts/configuration/secret/#secret-types */
const neededKeys: { readonly [type: string]: readonly string[] } = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};
const SERVICE_ACCOUNT_ANNOTATION = 'kubernetes.io/service-account.name';

const validateSecretType = ({ type = '', data = {}, metadata }: Secret): readonly FieldError[] => {
  const needed = Object.hasOwn(neededKeys, type) ? (neededKeys[type] ?? []) : [];
  const isToken = type === 'kubernetes.io/service-account-token';
  const isBasic = type === 'kubernetes.io/basic-auth';
  return [
    ...needed.filter((key) => !Object.hasOwn(data, key)).map((key) => required(keyed('data', key))),
    ...when(isToken && !metadata.annotations?.[SERVICE_ACCOUNT_ANNOTATION], () =>
      required(keyed('metadata.annotations', SERVICE_ACCOUNT_ANNOTATION)),
    ),
    ...when(isBasic && data['username'] === undefined && data['password'] === undefined, () =>
      required(keyed('data', 'username')),
    ),
    ...when(isBasic && data['username'] === undefined && data['password'] === undefined, () =>
      required(keyed('data', 'password')),
    ),
  ];
};

export const validateSecret = (secret: Secret): readonly FieldError[] => [
  ...validateKeys(secret.data, 'data'),
  ...mustFit(binarySizeBytes(secret.data), 'data'),
  ...validateSecretType(secret),
];

interface Sealable {
  readonly immutable?: boolean;
}

/** What was declared immutable stays so, with all it holds. */
const validateSealed = <T extends Sealable>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): readonly FieldError[] => {
  if (old.immutable !== true) return [];
  const detail = 'field is immutable when `immutable` is set';
  return [
    ...when(object.immutable !== true, () => forbiddenField('immutable', detail)),
    ...fields
      .filter((field) => !semanticEqual(object[field], old[field]))
      .map((field) => forbiddenField(field, detail)),
  ];
};

export const validateConfigMapUpdate = (object: ConfigMap, old: ConfigMap): readonly FieldError[] =>
  validateSealed(object, old, ['data', 'binaryData']);

export const validateSecretUpdate = (object: Secret, old: Secret): readonly FieldError[] => [
  ...immutable(object.type, old.type, 'type'),
  ...validateSealed(object, old, ['data']),
];
