import type { KubeObject, ManagedFieldsEntry } from '../resource.js';
import { difference, fieldSetOfPaths, type FieldSet } from './field-set.js';
import { fieldElement } from './path-element.js';

/** What identifies an object or is the server's: nobody owns it. */
const untrackedMetadata = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
] as const;

const untracked: FieldSet = fieldSetOfPaths([
  [fieldElement('apiVersion')],
  [fieldElement('kind')],
  [fieldElement('metadata')],
  ...untrackedMetadata.map((name) => [fieldElement('metadata'), fieldElement(name)]),
]);

export const withoutUntracked = (fields: FieldSet): FieldSet => difference(fields, untracked);

const serverFields: ReadonlySet<string> = new Set(untrackedMetadata);

const pick = (object: object, wanted: (name: string) => boolean): { [key: string]: unknown } =>
  Object.fromEntries(Object.entries(object).filter(([name, value]) => value !== undefined && wanted(name)));

/** The part of an object whose fields have owners. */
export const trackedPart = (object: KubeObject): { [key: string]: unknown } => {
  const metadata = pick(object.metadata, (name) => !serverFields.has(name));
  const rest = pick(object, (name) => name !== 'apiVersion' && name !== 'kind' && name !== 'metadata');
  return Object.keys(metadata).length === 0 ? rest : { metadata, ...rest };
};

/** The part that `trackedPart` leaves out. */
export const untrackedPart = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => ({
  apiVersion,
  kind,
  metadata: pick(metadata, (name) => serverFields.has(name)),
});

/** The two parts together again. */
export const wholeObject = (server: KubeObject, tracked: unknown): KubeObject => {
  const { metadata, ...rest } = (tracked ?? {}) as { readonly [key: string]: unknown };
  return { ...server, metadata: { ...server.metadata, ...(metadata as object | undefined) }, ...rest };
};

/** No entries: no field. */
export const withManagedFields = (object: KubeObject, entries: readonly ManagedFieldsEntry[]): KubeObject => {
  const metadata = pick(object.metadata, (name) => name !== 'managedFields');
  return {
    ...object,
    metadata: entries.length === 0 ? metadata : { ...metadata, managedFields: [...entries] },
  };
};
