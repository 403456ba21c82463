import type {
  Affinity,
  NodeAffinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
} from '../../kinds/pod/affinity.js';
import type { Toleration, TopologySpreadConstraint } from '../../kinds/pod/scheduling.js';
import { duplicate, forbiddenField, invalidValue, required, type FieldError } from '../../status/index.js';
import { dns1123Label, dns1123Subdomain, labelValueFormat, qualifiedName } from '../formats.js';
import { validateLabelSelector } from '../label-selector.js';
import { between, child, each, isAbsent, keyed, mustBe, mustHave, repeated, when } from '../path.js';

const weightRange = [1, 100] as const;

const validateOperands = (
  { operator, values = [] }: NodeSelectorRequirement,
  path: string,
): readonly FieldError[] => {
  const at = child(path, 'values');
  switch (operator) {
    case 'In':
    case 'NotIn':
      return when(values.length === 0, () =>
        required(at, "must be specified when `operator` is 'In' or 'NotIn'"),
      );
    case 'Exists':
    case 'DoesNotExist':
      return when(values.length > 0, () =>
        forbiddenField(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
      );
    case 'Gt':
    case 'Lt':
      return when(values.length !== 1, () =>
        required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"),
      );
    default:
      return [invalidValue(child(path, 'operator'), operator ?? '', 'not a valid selector operator')];
  }
};

const validateExpression = (requirement: NodeSelectorRequirement, path: string): readonly FieldError[] => [
  ...validateOperands(requirement, path),
  ...mustBe(qualifiedName, requirement.key ?? '', child(path, 'key')),
];

/** The only field that a term may match is the node's name. */
const validateField = (
  { key, operator, values = [] }: NodeSelectorRequirement,
  path: string,
): readonly FieldError[] => [
  ...when(operator !== 'In' && operator !== 'NotIn', () =>
    invalidValue(child(path, 'operator'), operator ?? '', 'not a valid selector operator'),
  ),
  ...when((operator === 'In' || operator === 'NotIn') && values.length !== 1, () =>
    required(
      child(path, 'values'),
      "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
    ),
  ),
  ...(key === 'metadata.name'
    ? each(values, child(path, 'values'), (value, at) => mustBe(dns1123Subdomain, value, at))
    : [invalidValue(child(path, 'key'), key ?? '', 'not a valid field selector key')]),
];

const validateTerm = (
  { matchExpressions, matchFields }: NodeSelectorTerm,
  path: string,
): readonly FieldError[] => [
  ...each(matchExpressions, child(path, 'matchExpressions'), validateExpression),
  ...each(matchFields, child(path, 'matchFields'), validateField),
];

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

const validateNodeAffinity = (
  { [REQUIRED]: selector, [PREFERRED]: preferred }: NodeAffinity,
  path: string,
): readonly FieldError[] => {
  const terms = child(path, REQUIRED, 'nodeSelectorTerms');
  return [
    ...when(selector !== undefined && (selector.nodeSelectorTerms ?? []).length === 0, () =>
      required(terms, 'must have at least one node selector term'),
    ),
    ...each(selector?.nodeSelectorTerms, terms, validateTerm),
    ...each(preferred, child(path, PREFERRED), ({ weight, preference }, at) => [
      ...between(weight ?? 0, child(at, 'weight'), weightRange),
      ...validateTerm(preference ?? {}, child(at, 'preference')),
    ]),
  ];
};

const validatePodAffinityTerm = (term: PodAffinityTerm, path: string): readonly FieldError[] => [
  ...validateLabelSelector(term.labelSelector, child(path, 'labelSelector')),
  ...validateLabelSelector(term.namespaceSelector, child(path, 'namespaceSelector')),
  ...each(term.namespaces, child(path, 'namespace'), (namespace, at) => mustBe(dns1123Label, namespace, at)),
  ...mustHave(qualifiedName, term.topologyKey, child(path, 'topologyKey'), 'can not be empty'),
];

const validatePodAffinity = (
  affinity: NonNullable<Affinity['podAffinity']>,
  path: string,
): readonly FieldError[] => [
  ...each(affinity[REQUIRED], child(path, REQUIRED), validatePodAffinityTerm),
  ...each(affinity[PREFERRED], child(path, PREFERRED), ({ weight, podAffinityTerm }, at) => [
    ...between(weight ?? 0, child(at, 'weight'), weightRange),
    ...(podAffinityTerm === undefined
      ? [required(child(at, 'podAffinityTerm'))]
      : validatePodAffinityTerm(podAffinityTerm, child(at, 'podAffinityTerm'))),
  ]),
];

export const validateAffinity = (affinity: Affinity | undefined, path: string): readonly FieldError[] => [
  ...(affinity?.nodeAffinity === undefined
    ? []
    : validateNodeAffinity(affinity.nodeAffinity, child(path, 'nodeAffinity'))),
  ...(affinity?.podAffinity === undefined
    ? []
    : validatePodAffinity(affinity.podAffinity, child(path, 'podAffinity'))),
  ...(affinity?.podAntiAffinity === undefined
    ? []
    : validatePodAffinity(affinity.podAntiAffinity, child(path, 'podAntiAffinity'))),
];

const validateToleration = (toleration: Toleration, path: string): readonly FieldError[] => {
  const { key = '', operator, value = '', effect, tolerationSeconds } = toleration;
  return [
    ...(key === '' ? [] : mustBe(qualifiedName, key, child(path, 'key'))),
    ...when(key === '' && operator !== 'Exists', () =>
      invalidValue(
        child(path, 'operator'),
        operator ?? '',
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    ),
    ...when(tolerationSeconds !== undefined && effect !== 'NoExecute', () =>
      invalidValue(
        child(path, 'effect'),
        effect ?? '',
        "effect must be 'NoExecute' when `tolerationSeconds` is set",
      ),
    ),
    ...(operator === 'Exists'
      ? when(value !== '', () =>
          invalidValue(child(path, 'operator'), value, "value must be empty when `operator` is 'Exists'"),
        )
      : mustBe(labelValueFormat, value, child(path, 'operator'))),
  ];
};

export const validateTolerations = (
  tolerations: readonly Toleration[] | undefined,
  path: string,
): readonly FieldError[] => each(tolerations, path, validateToleration);

const validateSpread = (
  constraint: Partial<TopologySpreadConstraint>,
  path: string,
): readonly FieldError[] => {
  const { maxSkew = 0, minDomains, whenUnsatisfiable, topologyKey, labelSelector } = constraint;
  return [
    ...when(maxSkew <= 0, () => invalidValue(child(path, 'maxSkew'), maxSkew, 'must be greater than zero')),
    ...mustHave(qualifiedName, topologyKey, child(path, 'topologyKey'), 'can not be empty'),
    ...when(minDomains !== undefined && minDomains <= 0, () =>
      invalidValue(child(path, 'minDomains'), minDomains, 'must be greater than zero'),
    ),
    ...when(minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule', () =>
      invalidValue(
        child(path, 'minDomains'),
        minDomains,
        `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
      ),
    ),
    ...validateLabelSelector(labelSelector, child(path, 'labelSelector')),
  ];
};

export const validateTopologySpread = (
  constraints: readonly TopologySpreadConstraint[] | undefined,
  path: string,
): readonly FieldError[] => [
  ...each(constraints, path, validateSpread),
  ...repeated(
    constraints,
    ({ topologyKey, whenUnsatisfiable }) => `{${topologyKey}, ${whenUnsatisfiable}}`,
  ).map(({ index, text }) => duplicate(keyed(path, index), text)),
];

/** Names that must be there, once each: scheduling gates. */
export const validateGates = (
  gates: readonly { readonly name: string }[] | undefined,
  path: string,
): readonly FieldError[] => [
  ...each(gates, path, ({ name }, at) =>
    isAbsent(name) ? [required(child(at, 'name'))] : mustBe(qualifiedName, name, child(at, 'name')),
  ),
  ...repeated(gates, ({ name }) => name).map(({ index, text }) => duplicate(keyed(path, index), text)),
];
