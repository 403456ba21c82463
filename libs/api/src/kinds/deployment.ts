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

export const deploymentSchema = kindSchema('io.k8s.api.apps.v1.Deployment', {
  spec: opt(deploymentSpec),
  status: opt(deploymentStatus),
});
export type Deployment = KubeKind<typeof deploymentSchema>;
