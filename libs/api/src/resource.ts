import type { ObjectSchema } from './schema.js';

/** What every kind has in common; the kinds' own types are inferred from their schemas in kinds/. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: 'Apply' | 'Update';
  apiVersion?: string;
  time?: string;
  fieldsType?: 'FieldsV1';
  fieldsV1?: { [path: string]: unknown };
  subresource?: string;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: { [key: string]: string };
  annotations?: { [key: string]: string };
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
}

/** Any object of any kind. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** A column of `kubectl get`: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean';
  /** `name` marks the first column. */
  readonly format?: 'name';
  readonly description: string;
  /** 0: always; 1: with `-o wide`. */
  readonly priority: 0 | 1;
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** One kind as the API serves it. The registry of all of them is `resources` in registry.ts. */
export interface Resource {
  /** Empty: the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly (
    'status' | 'scale' | 'binding' | 'log' | 'eviction' | 'finalize' | 'token'
  )[];
  /** Whether a change of `spec` raises metadata.generation and writes to the main resource ignore `status`. */
  readonly hasStatus: boolean;
  readonly schema: ObjectSchema;
  readonly columns: readonly Column[];
  /** The cells of one row, in the order of `columns`; `now` in milliseconds since 1970 for ages. */
  readonly row: (object: KubeObject, now: number) => readonly (string | number | boolean)[];
}

export const apiVersionOf = (resource: Pick<Resource, 'group' | 'version'>): string =>
  resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
