import { containerCells, labelSelectorText } from '../printing/selectors.js';
import { type Infer, int32, int64, mapList, oneOf, opt, req, str, time } from '../schema.js';
import { appsV1 } from './define.js';
import { age, ageColumn, column, defineResource, nameColumn, wideColumn } from './define-resource.js';
import { kindSchema, type KubeKind } from './kind.js';
import { labelSelector } from './meta.js';
import { podTemplateSpec } from './pod/spec.js';

export const replicaSetSpec = appsV1('ReplicaSetSpec', {
  selector: req(labelSelector),
  minReadySeconds: opt(int32()),
  replicas: opt(int32({ default: 1 })),
  template: opt(podTemplateSpec),
});
export type ReplicaSetSpec = Infer<typeof replicaSetSpec>;

export const replicaSetCondition = appsV1('ReplicaSetCondition', {
  status: req(oneOf(['True', 'False', 'Unknown'])),
  type: req(str()),
  lastTransitionTime: opt(time()),
  message: opt(str()),
  reason: opt(str()),
});
export type ReplicaSetCondition = Infer<typeof replicaSetCondition>;

export const replicaSetStatus = appsV1('ReplicaSetStatus', {
  replicas: req(int32()),
  availableReplicas: opt(int32()),
  conditions: opt(mapList(replicaSetCondition, ['type'])),
  fullyLabeledReplicas: opt(int32()),
  observedGeneration: opt(int64()),
  readyReplicas: opt(int32()),
  terminatingReplicas: opt(int32()),
});
export type ReplicaSetStatus = Infer<typeof replicaSetStatus>;

export const replicaSetSchema = kindSchema(
  'io.k8s.api.apps.v1.ReplicaSet',
  'Keeps a number of equal pods running; made and scaled by a Deployment as a rule.',
  {
    spec: opt(replicaSetSpec, 'What is wanted.'),
    status: opt(replicaSetStatus, 'What was last observed.'),
  },
);
export type ReplicaSet = KubeKind<typeof replicaSetSchema>;

export const replicaSets = defineResource<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  subresources: ['scale', 'status'],
  schema: replicaSetSchema,
  columns: [
    nameColumn,
    column('Desired', 'How many pods it wants.', 'integer'),
    column('Current', 'How many pods it has.', 'integer'),
    column('Ready', 'How many of them are ready.', 'integer'),
    ageColumn,
    wideColumn('Containers', "The names of the template's containers."),
    wideColumn('Images', "The images of the template's containers."),
    wideColumn('Selector', 'The labels of its pods.'),
  ],
  row: (replicaSet, now) => {
    const { spec, status } = replicaSet;
    return [
      replicaSet.metadata.name ?? '',
      spec.replicas ?? 0,
      status?.replicas ?? 0,
      status?.readyReplicas ?? 0,
      age(replicaSet, now),
      ...containerCells(spec.template?.spec?.containers),
      labelSelectorText(spec.selector),
    ];
  },
});
