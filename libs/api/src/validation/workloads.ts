import type { Deployment, DeploymentSpec, RollingUpdateDeployment } from '../kinds/deployment.js';
import type { LabelSelector } from '../kinds/meta.js';
import type { PodTemplateSpec } from '../kinds/pod/spec.js';
import type { ReplicaSet } from '../kinds/replica-set.js';
import { forbiddenField, invalidValue, notSupported, required, type FieldError } from '../status/index.js';
import { percentage } from './formats.js';
import { isEmptySelector, selectsLabels, validateLabelSelector } from './label-selector.js';
import { immutable, validateAnnotations, validateFinalizers, validateLabels } from './metadata.js';
import { child, notNegative, when } from './path.js';
import { validatePodSpec } from './pod/spec.js';

const validateSelector = (selector: LabelSelector | undefined, path: string): readonly FieldError[] => {
  if (selector === undefined) return [required(path)];
  return [
    ...validateLabelSelector(selector, path),
    ...when(isEmptySelector(selector), () =>
      invalidValue(path, selector, 'empty selector is invalid for deployment'),
    ),
  ];
};

const validateTemplate = (
  template: PodTemplateSpec | undefined,
  selector: LabelSelector | undefined,
  kind: string,
): readonly FieldError[] => {
  const path = 'spec.template';
  const { metadata, spec } = template ?? {};
  const labels = metadata?.labels ?? {};
  const policy = spec?.restartPolicy;
  const isMatched = selector === undefined || isEmptySelector(selector) || selectsLabels(selector, labels);
  return [
    ...when(!isMatched, () =>
      invalidValue(child(path, 'metadata', 'labels'), labels, '`selector` does not match template `labels`'),
    ),
    ...validateLabels(labels, child(path, 'labels')),
    ...validateAnnotations(metadata?.annotations, child(path, 'annotations')),
    ...validateFinalizers(metadata?.finalizers, child(path, 'finalizers')),
    ...validatePodSpec(spec ?? { containers: [] }, child(path, 'spec')),
    ...when((spec?.ephemeralContainers ?? []).length > 0, () =>
      forbiddenField(
        child(path, 'spec', 'ephemeralContainers'),
        'ephemeral containers not allowed in pod template',
      ),
    ),
    ...when(policy === 'OnFailure' || policy === 'Never', () =>
      notSupported(child(path, 'spec', 'restartPolicy'), policy, ['Always']),
    ),
    ...when(spec?.activeDeadlineSeconds !== undefined, () =>
      forbiddenField(
        child(path, 'spec', 'activeDeadlineSeconds'),
        `activeDeadlineSeconds in ${kind} is not Supported`,
      ),
    ),
  ];
};

/** `25%` or a count. */
const validateIntOrPercent = (value: string | number | undefined, path: string): readonly FieldError[] => {
  if (value === undefined) return [];
  return typeof value === 'number'
    ? notNegative(value, path)
    : percentage(value).map((said) => invalidValue(path, value, said));
};

const isZero = (value: string | number | undefined): boolean =>
  value === undefined || Number.parseInt(String(value), 10) === 0;

const validateRollingUpdate = (
  { maxUnavailable, maxSurge }: RollingUpdateDeployment,
  path: string,
): readonly FieldError[] => {
  const at = child(path, 'maxUnavailable');
  return [
    ...validateIntOrPercent(maxUnavailable, at),
    ...validateIntOrPercent(maxSurge, child(path, 'maxSurge')),
    ...when(isZero(maxUnavailable) && isZero(maxSurge), () =>
      invalidValue(at, maxUnavailable, 'may not be 0 when `maxSurge` is 0'),
    ),
    ...when(typeof maxUnavailable === 'string' && Number.parseInt(maxUnavailable, 10) > 100, () =>
      invalidValue(at, maxUnavailable, 'must not be greater than 100%'),
    ),
  ];
};

const validateStrategy = ({ strategy }: DeploymentSpec): readonly FieldError[] => {
  const path = 'spec.strategy.rollingUpdate';
  if (strategy?.type === 'Recreate')
    return when(strategy.rollingUpdate !== undefined, () =>
      forbiddenField(path, "may not be specified when strategy `type` is 'Recreate'"),
    );
  if (strategy?.type !== 'RollingUpdate') return [];
  return strategy.rollingUpdate === undefined
    ? [required(path, 'this should be defaulted and never be nil')]
    : validateRollingUpdate(strategy.rollingUpdate, path);
};

const validateDeadline = (spec: DeploymentSpec): readonly FieldError[] => {
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
  const path = 'spec.progressDeadlineSeconds';
  return [
    ...notNegative(deadline, path),
    ...when(deadline !== undefined && deadline <= minReadySeconds, () =>
      invalidValue(path, deadline, 'must be greater than minReadySeconds'),
    ),
  ];
};

export const validateDeployment = ({ spec }: Deployment): readonly FieldError[] => [
  ...notNegative(spec.replicas, 'spec.replicas'),
  ...validateSelector(spec.selector, 'spec.selector'),
  ...validateTemplate(spec.template, spec.selector, 'Deployment'),
  ...validateStrategy(spec),
  ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
  ...notNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
  ...validateDeadline(spec),
];

export const validateReplicaSet = ({ spec }: ReplicaSet): readonly FieldError[] => [
  ...notNegative(spec.replicas, 'spec.replicas'),
  ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
  ...validateSelector(spec.selector, 'spec.selector'),
  ...validateTemplate(spec.template, spec.selector, 'ReplicaSet'),
];

interface Selecting {
  readonly spec: { readonly selector?: LabelSelector };
}
/** Pods would be left to nobody if it could change. */
export const validateSelectorUpdate = (object: Selecting, old: Selecting): readonly FieldError[] =>
  immutable(object.spec.selector, old.spec.selector, 'spec.selector');
