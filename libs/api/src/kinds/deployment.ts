import { containerCells, labelSelectorText } from '../printing/selectors.js';
import {
  type Infer,
  bool,
  int32,
  int64,
  intOrString,
  mapList,
  oneOf,
  opt,
  req,
  str,
  time,
} from '../schema.js';
import { appsV1 } from './define.js';
import { age, ageColumn, column, defineResource, nameColumn, wideColumn } from './define-resource.js';
import { kindSchema, type KubeKind } from './kind.js';
import { labelSelector } from './meta.js';
import { podTemplateSpec } from './pod/spec.js';

export const rollingUpdateDeployment = appsV1('RollingUpdateDeployment', {
  maxSurge: opt(intOrString({ default: '25%' })),
  maxUnavailable: opt(intOrString({ default: '25%' })),
});
export type RollingUpdateDeployment = Infer<typeof rollingUpdateDeployment>;

export const deploymentStrategy = appsV1(
  'DeploymentStrategy',
  {
    rollingUpdate: opt(rollingUpdateDeployment),
    type: opt(oneOf(['Recreate', 'RollingUpdate'], { default: 'RollingUpdate' })),
  },
  { patchStrategy: 'retainKeys' },
);
export type DeploymentStrategy = Infer<typeof deploymentStrategy>;

export const deploymentSpec = appsV1('DeploymentSpec', {
  selector: req(labelSelector),
  template: req(podTemplateSpec),
  minReadySeconds: opt(int32()),
  paused: opt(bool()),
  progressDeadlineSeconds: opt(int32({ default: 600 })),
  replicas: opt(int32({ default: 1 })),
  revisionHistoryLimit: opt(int32({ default: 10 })),
  strategy: opt(deploymentStrategy),
});
export type DeploymentSpec = Infer<typeof deploymentSpec>;

export const deploymentCondition = appsV1('DeploymentCondition', {
  status: req(oneOf(['True', 'False', 'Unknown'])),
  type: req(str()),
  lastTransitionTime: opt(time()),
  lastUpdateTime: opt(time()),
  message: opt(str()),
  reason: opt(str()),
});
export type DeploymentCondition = Infer<typeof deploymentCondition>;

export const deploymentStatus = appsV1('DeploymentStatus', {
  availableReplicas: opt(int32()),
  collisionCount: opt(int32()),
  conditions: opt(mapList(deploymentCondition, ['type'])),
  observedGeneration: opt(int64()),
  readyReplicas: opt(int32()),
  replicas: opt(int32()),
  terminatingReplicas: opt(int32()),
  unavailableReplicas: opt(int32()),
  updatedReplicas: opt(int32()),
});
export type DeploymentStatus = Infer<typeof deploymentStatus>;

export const deploymentSchema = kindSchema(
  'io.k8s.api.apps.v1.Deployment',
  'Keeps a number of equal pods running and replaces them step by step when their template changes.',
  {
    spec: opt(deploymentSpec, 'What is wanted.'),
    status: opt(deploymentStatus, 'What was last observed.'),
  },
);
export type Deployment = KubeKind<typeof deploymentSchema>;

export const deployments = defineResource<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  subresources: ['scale', 'status'],
  schema: deploymentSchema,
  columns: [
    nameColumn,
    column('Ready', 'How many of the wanted pods are ready.'),
    column('Up-to-date', 'How many pods follow the present template.'),
    column('Available', 'How many pods have been ready for minReadySeconds.'),
    ageColumn,
    wideColumn('Containers', "The names of the template's containers."),
    wideColumn('Images', "The images of the template's containers."),
    wideColumn('Selector', 'The labels of its pods.'),
  ],
  row: (deployment, now) => {
    const { spec, status = {} } = deployment;
    return [
      deployment.metadata.name ?? '',
      `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
      status.updatedReplicas ?? 0,
      status.availableReplicas ?? 0,
      age(deployment, now),
      ...containerCells(spec.template.spec?.containers),
      labelSelectorText(spec.selector),
    ];
  },
});
