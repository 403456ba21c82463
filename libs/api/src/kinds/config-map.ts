import { bool, bytes, map, opt, str } from '../schema.js';
import { age, ageColumn, column, defineResource, nameColumn } from './define-resource.js';
import { kindSchema, type KubeKind } from './kind.js';

export const configMapSchema = kindSchema(
  'io.k8s.api.core.v1.ConfigMap',
  'Settings for pods to read, as text or bytes.',
  {
    binaryData: opt(map(bytes())),
    data: opt(map(str())),
    immutable: opt(bool()),
  },
);
export type ConfigMap = KubeKind<typeof configMapSchema>;

export const configMaps = defineResource<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  schema: configMapSchema,
  columns: [nameColumn, column('Data', 'How many keys it holds.'), ageColumn],
  row: (object, now) => [
    object.metadata.name ?? '',
    Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length,
    age(object, now),
  ],
});
