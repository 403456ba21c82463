import { atomicList, bool, mapList, opt } from '../schema.js';
import { age, ageColumn, defineResource, nameColumn } from './define-resource.js';
import { kindSchema, type KubeKind } from './kind.js';
import { localObjectReference, objectReference } from './references.js';

export const serviceAccountSchema = kindSchema('io.k8s.api.core.v1.ServiceAccount', 'An identity for pods.', {
  automountServiceAccountToken: opt(bool()),
  imagePullSecrets: opt(atomicList(localObjectReference)),
  secrets: opt(mapList(objectReference, ['name'])),
});
export type ServiceAccount = KubeKind<typeof serviceAccountSchema>;

export const serviceAccounts = defineResource<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  namespaced: true,
  subresources: ['token'],
  schema: serviceAccountSchema,
  columns: [nameColumn, ageColumn],
  row: (object, now) => [object.metadata.name ?? '', age(object, now)],
});
