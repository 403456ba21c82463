import type { Column, KubeObject, Resource, Verb } from '../resource.js';
import { ageOf } from '../printing/age.js';

/** The cells of a row, in the order of the columns. */
export type Cells = readonly (string | number | boolean)[];

const everyVerb: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

type Optional = 'shortNames' | 'categories' | 'verbs' | 'subresources' | 'hasStatus';
interface Definition<T> extends Omit<Resource, 'row' | Optional>, Partial<Pick<Resource, Optional>> {
  readonly row: (object: T, now: number) => Cells;
}

/** A resource whose `row` may count on its kind's type: objects reach it decoded by its schema. */
export const defineResource = <T extends object>(definition: Definition<T>): Resource => ({
  shortNames: [],
  categories: [],
  verbs: everyVerb,
  subresources: [],
  hasStatus: definition.subresources?.includes('status') ?? false,
  ...definition,
  row: (object: KubeObject, now: number) => definition.row(object as unknown as T, now),
});

const nameDescription = 'Unique within the namespace, or the cluster.';

/** The first column of every kind but Event. */
export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: nameDescription,
  priority: 0,
};
export const ageColumn: Column = {
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created.',
  priority: 0,
};
export const column = (name: string, description: string, type: Column['type'] = 'string'): Column => ({
  name,
  type,
  description,
  priority: 0,
});
/** Shown with `-o wide` only. */
export const wideColumn = (name: string, description: string, type: Column['type'] = 'string'): Column => ({
  ...column(name, description, type),
  priority: 1,
});

/** The Age cell. */
export const age = (object: { metadata: { creationTimestamp?: string } }, now: number): string =>
  ageOf(object.metadata.creationTimestamp, now);
