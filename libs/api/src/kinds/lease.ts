import { type Infer, int32, microTime, opt, str } from '../schema.js';
import { coordinationV1 } from './define.js';
import { age, ageColumn, column, defineResource, nameColumn } from './define-resource.js';
import { kindSchema, type KubeKind } from './kind.js';

export const leaseSpec = coordinationV1('LeaseSpec', {
  acquireTime: opt(microTime()),
  holderIdentity: opt(str()),
  leaseDurationSeconds: opt(int32()),
  leaseTransitions: opt(int32()),
  preferredHolder: opt(str()),
  renewTime: opt(microTime()),
  strategy: opt(str()),
});
export type LeaseSpec = Infer<typeof leaseSpec>;

export const leaseSchema = kindSchema(
  'io.k8s.api.coordination.v1.Lease',
  'Who holds a role, since when and for how long: leader election.',
  {
    spec: opt(leaseSpec, 'What is wanted.'),
  },
);
export type Lease = KubeKind<typeof leaseSchema>;

export const leases = defineResource<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  schema: leaseSchema,
  columns: [nameColumn, column('Holder', 'Who holds it now.'), ageColumn],
  row: (object, now) => [object.metadata.name ?? '', object.spec.holderIdentity ?? '', age(object, now)],
});
