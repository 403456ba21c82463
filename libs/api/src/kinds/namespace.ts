import { type Infer, atomicList, mapList, oneOf, opt, req, str, time } from '../schema.js';
import { coreV1 } from './define.js';
import { age, ageColumn, column, defineResource, nameColumn } from './define-resource.js';
import { kindSchema, type KubeKind } from './kind.js';

export const namespaceSpec = coreV1('NamespaceSpec', {
  finalizers: opt(atomicList(str())),
});
export type NamespaceSpec = Infer<typeof namespaceSpec>;

export const namespaceCondition = coreV1('NamespaceCondition', {
  status: req(oneOf(['True', 'False', 'Unknown'])),
  type: req(str()),
  lastTransitionTime: opt(time()),
  message: opt(str()),
  reason: opt(str()),
});
export type NamespaceCondition = Infer<typeof namespaceCondition>;

export const namespaceStatus = coreV1('NamespaceStatus', {
  conditions: opt(mapList(namespaceCondition, ['type'])),
  phase: opt(oneOf(['Active', 'Terminating'], { default: 'Active' })),
});
export type NamespaceStatus = Infer<typeof namespaceStatus>;

export const namespaceSchema = kindSchema(
  'io.k8s.api.core.v1.Namespace',
  'A scope for names; its content goes with it.',
  {
    spec: opt(namespaceSpec, 'What is wanted.'),
    status: opt(namespaceStatus, 'What was last observed.'),
  },
);
export type Namespace = KubeKind<typeof namespaceSchema>;

export const namespaces = defineResource<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  subresources: ['finalize', 'status'],
  schema: namespaceSchema,
  columns: [nameColumn, column('Status', 'Active, or Terminating while its content goes.'), ageColumn],
  row: (object, now) => [object.metadata.name ?? '', object.status?.phase ?? '', age(object, now)],
});
