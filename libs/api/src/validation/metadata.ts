import type { KubeObject, ObjectMeta, OwnerReference, Resource } from '../resource.js';
import { forbiddenField, invalidValue, required, tooLong, type FieldError } from '../status/index.js';
import { limits } from '../limits.js';
import { semanticEqual } from '../values.js';
import {
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  labelValueFormat,
  qualifiedName,
  withoutTrailingDash,
  type FormatCheck,
} from './formats.js';
import { child, each, isAbsent, mustBe, when } from './path.js';

const METADATA = 'metadata';
export const IMMUTABLE = 'field is immutable';

const nameFormats: { readonly [kind: string]: FormatCheck } = {
  Namespace: dns1123Label,
  Service: dns1035Label,
};
const nameFormatOf = ({ kind }: Pick<Resource, 'kind'>): FormatCheck => nameFormats[kind] ?? dns1123Subdomain;

const encoder = new TextEncoder();
export const utf8Length = (text: string): number => encoder.encode(text).length;

/** The bytes that the keys and values of a map take together. */
export const sizeBytesOf = (map: { readonly [key: string]: string } | undefined): number =>
  Object.entries(map ?? {}).reduce((sum, [key, value]) => sum + utf8Length(key) + utf8Length(value), 0);

export const validateLabels = (
  labels: { readonly [key: string]: string } | undefined,
  path: string,
): readonly FieldError[] =>
  Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...mustBe(qualifiedName, key, path),
    ...mustBe(labelValueFormat, value, path),
  ]);

export const validateAnnotations = (
  annotations: { readonly [key: string]: string } | undefined,
  path: string,
): readonly FieldError[] => [
  ...Object.keys(annotations ?? {}).flatMap((key) =>
    qualifiedName(key.toLowerCase()).map((said) => invalidValue(path, key, said)),
  ),
  ...when(sizeBytesOf(annotations) > limits.annotationsSizeMaxBytes, () =>
    tooLong(path, '', limits.annotationsSizeMaxBytes),
  ),
];

const standardFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

export const validateFinalizers = (
  finalizers: readonly string[] | undefined,
  path: string,
): readonly FieldError[] =>
  each(finalizers, path, (finalizer, at) => [
    ...mustBe(qualifiedName, finalizer, at),
    ...when(!finalizer.includes('/') && !standardFinalizers.has(finalizer), () =>
      invalidValue(at, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'),
    ),
  ]);

const validateOwnerReference = (owner: OwnerReference, path: string): readonly FieldError[] => [
  ...when(!/^(?:[^/]+\/)?[^/]+$/.test(owner.apiVersion ?? ''), () =>
    invalidValue(child(path, 'apiVersion'), owner.apiVersion ?? '', 'version must not be empty'),
  ),
  ...(['kind', 'name', 'uid'] as const).flatMap((field) =>
    when(isAbsent(owner[field]), () =>
      invalidValue(child(path, field), owner[field] ?? '', 'must not be empty'),
    ),
  ),
  ...when(owner.apiVersion === 'v1' && owner.kind === 'Event', () =>
    invalidValue(path, owner, '/v1, Kind=Event is disallowed from being an owner'),
  ),
];

const validateOwnerReferences = (
  owners: readonly OwnerReference[] | undefined,
  path: string,
): readonly FieldError[] => {
  const [first, second] = (owners ?? []).filter(({ controller }) => controller === true);
  return [
    ...each(owners, path, validateOwnerReference),
    ...when(second !== undefined, () =>
      invalidValue(
        path,
        owners,
        `Only one reference can have Controller set to true. Found "true" in references for ${first?.name} and ${second?.name}`,
      ),
    ),
  ];
};

const validateName = (resource: Resource, metadata: ObjectMeta): readonly FieldError[] => {
  const format = nameFormatOf(resource);
  const { name, generateName } = metadata;
  return [
    ...(isAbsent(generateName) || generateName === undefined
      ? []
      : format(withoutTrailingDash(generateName)).map((said) =>
          invalidValue('metadata.generateName', generateName, said),
        )),
    ...(name === undefined || name === ''
      ? [required('metadata.name', 'name or generateName is required')]
      : mustBe(format, name, 'metadata.name')),
  ];
};

const validateNamespace = ({ namespaced }: Resource, { namespace }: ObjectMeta): readonly FieldError[] => {
  if (isAbsent(namespace) || namespace === undefined)
    return namespaced ? [required('metadata.namespace')] : [];
  return namespaced
    ? mustBe(dns1123Label, namespace, 'metadata.namespace')
    : [forbiddenField('metadata.namespace', 'not allowed on this type')];
};

export const validateMetadata = (resource: Resource, { metadata }: KubeObject): readonly FieldError[] => [
  ...validateName(resource, metadata),
  ...validateNamespace(resource, metadata),
  ...when((metadata.generation ?? 0) < 0, () =>
    invalidValue('metadata.generation', metadata.generation, 'must be greater than or equal to 0'),
  ),
  ...validateLabels(metadata.labels, child(METADATA, 'labels')),
  ...validateAnnotations(metadata.annotations, child(METADATA, 'annotations')),
  ...validateOwnerReferences(metadata.ownerReferences, child(METADATA, 'ownerReferences')),
  ...validateFinalizers(metadata.finalizers, child(METADATA, 'finalizers')),
];

/** `Invalid value: …: field is immutable` unless the two are equal. */
export const immutable = (value: unknown, old: unknown, path: string): readonly FieldError[] =>
  when(!semanticEqual(value, old), () => invalidValue(path, value, IMMUTABLE));

const goStrings = (texts: readonly string[]): string =>
  `[]string{${texts.map((text) => JSON.stringify(text)).join(', ')}}`;

/** What may not change in any object: who it is and when it began to go. */
export const validateMetadataUpdate = (metadata: ObjectMeta, old: ObjectMeta): readonly FieldError[] => {
  const added = (metadata.finalizers ?? []).filter((each) => !(old.finalizers ?? []).includes(each));
  return [
    ...(
      [
        'name',
        'namespace',
        'uid',
        'creationTimestamp',
        'deletionTimestamp',
        'deletionGracePeriodSeconds',
      ] as const
    ).flatMap((field) => immutable(metadata[field], old[field], child(METADATA, field))),
    ...when(old.deletionTimestamp !== undefined && added.length > 0, () =>
      forbiddenField(
        'metadata.finalizers',
        `no new finalizers can be added if the object is being deleted, found new finalizers ${goStrings(added)}`,
      ),
    ),
    ...when((metadata.generation ?? 0) < (old.generation ?? 0), () =>
      invalidValue('metadata.generation', metadata.generation, 'must not be decremented'),
    ),
  ];
};
