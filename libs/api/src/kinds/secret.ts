import { bool, bytes, map, opt, str } from '../schema.js';
import { age, ageColumn, column, defineResource, nameColumn } from './define-resource.js';
import { kindSchema, type KubeKind } from './kind.js';

export const secretSchema = kindSchema('io.k8s.api.core.v1.Secret', 'Confidential data for pods to read.', {
  data: opt(map(bytes())),
  immutable: opt(bool()),
  stringData: opt(map(str())),
  type: opt(str({ default: 'Opaque' })),
});
export type Secret = KubeKind<typeof secretSchema>;

export const secrets = defineResource<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  schema: secretSchema,
  columns: [
    nameColumn,
    column('Type', 'What the keys mean.'),
    column('Data', 'How many keys it holds.'),
    ageColumn,
  ],
  row: (object, now) => [
    object.metadata.name ?? '',
    object.type ?? '',
    Object.keys(object.data ?? {}).length,
    age(object, now),
  ],
});
