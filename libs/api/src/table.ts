import type { Column, KubeObject, ObjectMeta, Resource } from './resource.js';
import { badRequest } from './status/index.js';

export interface ListMeta {
  resourceVersion?: string;
  continue?: string;
  remainingItemCount?: number;
}

/** A list as it is answered: `kind` is the items' kind and "List". */
export interface KubeList {
  apiVersion: string;
  kind: string;
  metadata: ListMeta;
  items: KubeObject[];
}

/** What a row carries beside its cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface PartialObjectMetadata {
  kind: 'PartialObjectMetadata';
  apiVersion: 'meta.k8s.io/v1';
  metadata: ObjectMeta;
}
export interface PartialObjectMetadataList {
  kind: 'PartialObjectMetadataList';
  apiVersion: 'meta.k8s.io/v1';
  metadata: ListMeta;
  items: PartialObjectMetadata[];
}

export interface TableRow {
  cells: (string | number | boolean)[];
  object?: KubeObject | PartialObjectMetadata;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export interface Table {
  kind: 'Table';
  apiVersion: 'meta.k8s.io/v1';
  metadata: ListMeta;
  columnDefinitions: { name: string; type: string; format: string; description: string; priority: number }[];
  rows: TableRow[];
}

export interface TableOptions {
  /** Milliseconds since 1970, from which ages count. */
  readonly now: number;
  readonly includeObject: IncludeObject;
  /** Watches send the columns with the first event only. */
  readonly withColumns?: boolean;
}

/** The `includeObject` parameter; absent or empty: Metadata. Throws 400. */
export const parseIncludeObject = (value: string | undefined): IncludeObject => {
  switch (value ?? '') {
    case '':
    case 'Metadata':
      return 'Metadata';
    case 'None':
      return 'None';
    case 'Object':
      return 'Object';
    default:
      throw badRequest(`unrecognized includeObject value: ${JSON.stringify(value)}`);
  }
};

const isList = (value: KubeObject | KubeList): value is KubeList =>
  value.kind.endsWith('List') && Array.isArray(value['items' as keyof typeof value]);

export const partialObjectMetadata = ({ metadata }: KubeObject): PartialObjectMetadata => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
});

export const partialObjectMetadataList = ({ metadata, items }: KubeList): PartialObjectMetadataList => ({
  kind: 'PartialObjectMetadataList',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
  items: items.map(partialObjectMetadata),
});

const definitionOf = ({
  name,
  type,
  format,
  description,
  priority,
}: Column): Table['columnDefinitions'][number] => ({
  name,
  type,
  format: format ?? '',
  description,
  priority,
});

const rowOf = (resource: Resource, object: KubeObject, { now, includeObject }: TableOptions): TableRow => {
  const cells = [...resource.row(object, now)];
  switch (includeObject) {
    case 'None':
      return { cells };
    case 'Metadata':
      return { cells, object: partialObjectMetadata(object) };
    case 'Object':
      return { cells, object };
  }
};

/** One object or a list as the table that kubectl prints. */
export const toTable = (
  resource: Resource,
  objectOrList: KubeObject | KubeList,
  options: TableOptions,
): Table => {
  const objects = isList(objectOrList) ? objectOrList.items : [objectOrList];
  const metadata: ListMeta = isList(objectOrList)
    ? objectOrList.metadata
    : resourceVersionOf(objectOrList.metadata.resourceVersion);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: options.withColumns === false ? [] : resource.columns.map(definitionOf),
    rows: objects.map((object) => rowOf(resource, object, options)),
  };
};

const resourceVersionOf = (resourceVersion: string | undefined): ListMeta =>
  resourceVersion === undefined ? {} : { resourceVersion };
