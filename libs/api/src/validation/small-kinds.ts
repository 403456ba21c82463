import type { Event } from '../kinds/event.js';
import type { Lease } from '../kinds/lease.js';
import type { Namespace } from '../kinds/namespace.js';
import type { ServiceAccount } from '../kinds/service-account.js';
import { invalidValue, required, type FieldError } from '../status/index.js';
import { validateFinalizers } from './metadata.js';
import { child, each, isAbsent, notNegative, when } from './path.js';

export const validateNamespaceKind = ({ spec }: Namespace): readonly FieldError[] =>
  validateFinalizers(spec.finalizers, 'spec.finalizers');

export const validateLease = ({ spec }: Lease): readonly FieldError[] => [
  ...when(spec.holderIdentity === '', () => invalidValue('spec.holderIdentity', '', 'must not be empty')),
  ...when(spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0, () =>
    invalidValue('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0'),
  ),
  ...notNegative(spec.leaseTransitions, 'spec.leaseTransitions'),
  ...when(!isAbsent(spec.preferredHolder) && isAbsent(spec.strategy), () =>
    invalidValue('spec.preferredHolder', spec.preferredHolder, '`strategy` must be specified'),
  ),
];

/** The namespace of objects that have none. */
const CLUSTER_EVENTS_NAMESPACES: ReadonlySet<string | undefined> = new Set(['default', 'kube-system', '']);

/** An event lies beside what it is about. */
export const validateEvent = ({ metadata, involvedObject }: Event): readonly FieldError[] => {
  const { namespace = '' } = involvedObject ?? {};
  const fits =
    namespace === '' ? CLUSTER_EVENTS_NAMESPACES.has(metadata.namespace) : namespace === metadata.namespace;
  return when(!fits, () =>
    invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace'),
  );
};

export const validateServiceAccount = ({ imagePullSecrets }: ServiceAccount): readonly FieldError[] =>
  each(imagePullSecrets, 'imagePullSecrets', ({ name }, path) =>
    when(isAbsent(name), () => required(child(path, 'name'))),
  );
