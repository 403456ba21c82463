import { apiVersionOf, type KubeObject, type Resource } from '../resource.js';
import { limits } from '../limits.js';
import type { FieldError } from '../status/index.js';
import {
  validateConfigMap,
  validateConfigMapUpdate,
  validateSecret,
  validateSecretUpdate,
} from './config.js';
import { validateEndpointSlice, validateEndpointSliceUpdate } from './endpoint-slice.js';
import { validateMetadata, validateMetadataUpdate } from './metadata.js';
import { validateNode, validateNodeUpdate } from './node.js';
import { validatePod } from './pod/spec.js';
import { validatePodUpdate } from './pod/update.js';
import { validateService, validateServiceUpdate } from './service.js';
import {
  validateEvent,
  validateLease,
  validateNamespaceKind,
  validateServiceAccount,
} from './small-kinds.js';
import { validateStructure } from './structure.js';
import { validateDeployment, validateReplicaSet, validateSelectorUpdate } from './workloads.js';

interface KindRules {
  readonly create: (object: KubeObject) => readonly FieldError[];
  /** Beside what holds on creation, unless `replaces`. */
  readonly update?: (object: KubeObject, old: KubeObject) => readonly FieldError[];
  readonly replaces?: true;
}

/** Objects reach validation decoded by their kind's schema, so that their types hold but for what is missing. */
const rules = <T extends object>(of: {
  readonly create: (object: T) => readonly FieldError[];
  readonly update?: (object: T, old: T) => readonly FieldError[];
  readonly replaces?: true;
}): KindRules => of as unknown as KindRules;

const byKind: ReadonlyMap<string, KindRules> = new Map([
  ['v1/ConfigMap', rules({ create: validateConfigMap, update: validateConfigMapUpdate })],
  ['v1/Event', rules({ create: validateEvent })],
  ['v1/Namespace', rules({ create: validateNamespaceKind })],
  ['v1/Node', rules({ create: validateNode, update: validateNodeUpdate })],
  ['v1/Pod', rules({ create: validatePod, update: validatePodUpdate, replaces: true })],
  ['v1/Secret', rules({ create: validateSecret, update: validateSecretUpdate })],
  ['v1/Service', rules({ create: validateService, update: validateServiceUpdate })],
  ['v1/ServiceAccount', rules({ create: validateServiceAccount })],
  ['apps/v1/Deployment', rules({ create: validateDeployment, update: validateSelectorUpdate })],
  ['apps/v1/ReplicaSet', rules({ create: validateReplicaSet, update: validateSelectorUpdate })],
  ['coordination.k8s.io/v1/Lease', rules({ create: validateLease })],
  [
    'discovery.k8s.io/v1/EndpointSlice',
    rules({ create: validateEndpointSlice, update: validateEndpointSliceUpdate }),
  ],
]);

const rulesOf = (resource: Resource): KindRules =>
  byKind.get(`${apiVersionOf(resource)}/${resource.kind}`) ?? { create: () => [] };

/** `a` and `a.b` of `a.b.c`. */
const ancestorsOf = (field: string): readonly string[] =>
  [...field.matchAll(/\./g)].map(({ index }) => field.slice(0, index));

/** What the schema alone finds wrong, where the kind's own rules have not said it better. */
const withStructure = (
  resource: Resource,
  object: KubeObject,
  errors: readonly FieldError[],
): FieldError[] => {
  const said = new Set(errors.flatMap(({ field }) => [field, ...ancestorsOf(field)]));
  const rest = validateStructure(resource.schema, object).filter(({ field }) => !said.has(field));
  return [...errors, ...rest].slice(0, limits.fieldErrorsMax);
};

/** What is wrong with an object, decoded and defaulted, that is to be created; nothing is an empty list. */
export const validateCreate = (resource: Resource, object: KubeObject): FieldError[] =>
  withStructure(resource, object, [
    ...validateMetadata(resource, object),
    ...rulesOf(resource).create(object),
  ]);

/**
 * What is wrong with an object that is to take the place of `old`. Both decoded and defaulted. Subresources (status, binding) write
 * what these rules forbid and have their own.
 */
export const validateUpdate = (resource: Resource, object: KubeObject, old: KubeObject): FieldError[] => {
  const { create, update, replaces } = rulesOf(resource);
  return withStructure(resource, object, [
    ...validateMetadata(resource, object),
    ...validateMetadataUpdate(object.metadata, old.metadata),
    ...(replaces ? [] : create(object)),
    ...(update?.(object, old) ?? []),
  ]);
};
