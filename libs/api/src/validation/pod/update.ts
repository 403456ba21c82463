import type { Container } from '../../kinds/pod/containers.js';
import type { Pod } from '../../kinds/pod/pod.js';
import type { Toleration } from '../../kinds/pod/scheduling.js';
import type { PodSpec } from '../../kinds/pod/spec.js';
import { forbiddenField, invalidValue, type FieldError } from '../../status/index.js';
import { semanticEqual } from '../../values.js';
import { when } from '../path.js';
import { validatePodSpec } from './spec.js';

const CHANGEABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** Only a toleration's seconds may change, and new ones may come. */
const validateTolerations = (
  tolerations: readonly Toleration[] = [],
  old: readonly Toleration[] = [],
): readonly FieldError[] => {
  const withoutSeconds = (it: Toleration): Toleration => ({ ...it, tolerationSeconds: 0 });
  const isKept = (each: Toleration): boolean =>
    tolerations.some((one) => semanticEqual(withoutSeconds(one), withoutSeconds(each)));
  return when(!old.every(isKept), () =>
    forbiddenField(
      'spec.tolerations',
      'existing toleration can not be modified except its tolerationSeconds',
    ),
  );
};

/** A deadline may be set and brought forward. */
const validateDeadline = (
  { activeDeadlineSeconds: deadline }: PodSpec,
  { activeDeadlineSeconds: old }: PodSpec,
): readonly FieldError[] => {
  const path = 'spec.activeDeadlineSeconds';
  if (old === undefined) return [];
  if (deadline === undefined)
    return [invalidValue(path, null, 'must not update from a positive integer to nil value')];
  return when(deadline > old, () =>
    invalidValue(path, deadline, 'must be less than or equal to previous value'),
  );
};

const withImagesOf = (containers: readonly Container[] = [], old: readonly Container[] = []): Container[] =>
  containers.map((container, index) => ({ ...container, image: old[index]?.image ?? '' }));

/** `spec` with everything as before that may change, so that whatever differs still may not. */
const withChangeablesOf = (spec: PodSpec, old: PodSpec): Partial<PodSpec> => ({
  ...spec,
  containers: withImagesOf(spec.containers, old.containers),
  initContainers: withImagesOf(spec.initContainers, old.initContainers),
  tolerations: old.tolerations,
  activeDeadlineSeconds: old.activeDeadlineSeconds,
  schedulingGates: old.schedulingGates,
});

const changedFields = (spec: Partial<PodSpec>, old: PodSpec): readonly string[] => {
  const fields = new Set([...Object.keys(spec), ...Object.keys(old)]) as ReadonlySet<keyof PodSpec>;
  return [...fields].filter((field) => !semanticEqual(spec[field], old[field])).toSorted();
};

const validateGates = (spec: PodSpec, old: PodSpec): readonly FieldError[] => {
  const before = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  return (spec.schedulingGates ?? [])
    .filter(({ name }) => !before.has(name))
    .map(({ name }) =>
      forbiddenField(
        'spec.schedulingGates',
        `only deletion is allowed, but found new scheduling gate '${name}'`,
      ),
    );
};

export const validatePodUpdate = ({ spec }: Pod, { spec: old }: Pod): readonly FieldError[] => {
  const counts = (['containers', 'initContainers'] as const).filter(
    (field) => (spec[field]?.length ?? 0) !== (old[field]?.length ?? 0),
  );
  if (counts.length > 0)
    return counts.map((field) =>
      forbiddenField(
        `spec.${field}`,
        field === 'containers'
          ? 'pod updates may not add or remove containers'
          : 'pod updates may not add or remove init containers',
      ),
    );
  const changed = changedFields(withChangeablesOf(spec, old), old);
  return [
    ...validatePodSpec(spec, 'spec'),
    ...validateDeadline(spec, old),
    ...validateTolerations(spec.tolerations, old.tolerations),
    ...validateGates(spec, old),
    ...when(changed.length > 0, () =>
      forbiddenField('spec', `${CHANGEABLE}\nchanged: ${changed.map((field) => `spec.${field}`).join(', ')}`),
    ),
  ];
};
