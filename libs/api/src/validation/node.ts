import type { Node } from '../kinds/node/node.js';
import type { Taint } from '../kinds/node/spec.js';
import { duplicate, forbiddenField, invalidValue, required, type FieldError } from '../status/index.js';
import { cidr, labelValueFormat, qualifiedName } from './formats.js';
import { child, each, isAbsent, keyed, mustBe, repeated, when } from './path.js';
import { validateResourceList } from './pod/resources.js';

const validateTaint = ({ key, value, effect }: Taint, path: string): readonly FieldError[] => [
  ...mustBe(qualifiedName, key ?? '', child(path, 'key')),
  ...(value === undefined || value === '' ? [] : mustBe(labelValueFormat, value, child(path, 'value'))),
  ...when(isAbsent(effect), () => required(child(path, 'effect'))),
];

export const validateNode = ({ spec, status }: Node): readonly FieldError[] => {
  const { taints, podCIDRs } = spec;
  return [
    ...each(taints, 'spec.taints', validateTaint),
    ...repeated(taints, ({ key, effect }) => `${key}:${effect}`).map(({ index, item }) =>
      duplicate(keyed('spec.taints', index), item),
    ),
    ...each(podCIDRs, 'spec.podCIDRs', (range, at) => mustBe(cidr, range, at)),
    ...when(podCIDRs?.[0] !== undefined && spec.podCIDR !== undefined && podCIDRs[0] !== spec.podCIDR, () =>
      invalidValue('spec.podCIDRs', podCIDRs, 'first value must match `podCIDR`'),
    ),
    ...validateResourceList(status?.capacity, 'status.capacity'),
    ...validateResourceList(status?.allocatable, 'status.allocatable'),
  ];
};

export const validateNodeUpdate = ({ spec }: Node, { spec: old }: Node): readonly FieldError[] =>
  (['podCIDR', 'providerID'] as const).flatMap((field) =>
    when(!isAbsent(old[field]) && spec[field] !== old[field], () =>
      forbiddenField(`spec.${field}`, `node updates may not change ${field} except from "" to valid`),
    ),
  );
