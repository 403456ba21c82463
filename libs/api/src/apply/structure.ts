import type { ArraySchema, MapSchema, ObjectSchema, Schema } from '../schema.js';
import { fieldOf, resolveSchema } from '../schema-walk.js';
import { isObject } from '../values.js';
import { emptyFieldSet, FieldSetBuilder, type FieldSet } from './field-set.js';
import { describePath, fieldElement, itemElement, keysOfItem, type PathElement } from './path-element.js';

/** How ownership goes below a value: https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy */
export type Structure =
  /** Fields of a struct or keys of a map, each owned by itself. */
  | { readonly kind: 'fields'; readonly schema: ObjectSchema | MapSchema }
  /** Items told apart by keys or, in a set, by their values. */
  | { readonly kind: 'items'; readonly schema: ArraySchema }
  /** Scalars and whatever is atomic: owned as one. */
  | { readonly kind: 'leaf' };

const leaf: Structure = { kind: 'leaf' };

export const structureOf = (schema: Schema): Structure => {
  const resolved = resolveSchema(schema);
  if (resolved.kind === 'object' || resolved.kind === 'map') {
    return resolved.atomic === true ? leaf : { kind: 'fields', schema: resolved };
  }
  return resolved.kind === 'array' && resolved.listType !== 'atomic'
    ? { kind: 'items', schema: resolved }
    : leaf;
};

/** Whether `name` is a field that the type declares, not a map's key. */
export const isNamedField = (schema: ObjectSchema | MapSchema, name: string): boolean =>
  schema.kind === 'object' && Object.hasOwn(schema.properties, name);

/** The items of a list by what tells them apart, in order; several under one element where a list has duplicates. */
export const itemsByElement = (list: unknown, schema: ArraySchema): ReadonlyMap<PathElement, unknown[]> => {
  const items = new Map<PathElement, unknown[]>();
  for (const [index, item] of (Array.isArray(list) ? (list as unknown[]) : []).entries()) {
    const element = itemElement(item, index, schema);
    const same = items.get(element);
    if (same === undefined) items.set(element, [item]);
    else same.push(item);
  }
  return items;
};

/** The fields that whoever applies `value` comes to own. */
export const fieldSetOf = (value: unknown, schema: Schema): FieldSet => {
  const builder = new FieldSetBuilder();
  collect(value, schema, [], builder);
  return builder.set;
};

const collect = (
  value: unknown,
  schema: Schema,
  path: readonly PathElement[],
  into: FieldSetBuilder,
): void => {
  const structure = structureOf(schema);
  if (structure.kind === 'fields' && isObject(value)) {
    for (const [name, each] of Object.entries(value)) {
      const at = [...path, fieldElement(name)];
      const isEmptyObject = isObject(each) && Object.keys(each).length === 0;
      if (isEmptyObject || !isNamedField(structure.schema, name)) into.add(at);
      collect(each, fieldOf(structure.schema, name), at, into);
    }
  } else if (structure.kind === 'items' && Array.isArray(value)) {
    for (const [element, items] of itemsByElement(value, structure.schema)) {
      const at = [...path, element];
      into.add(at);
      const [only, ...others] = items;
      if (others.length === 0) collect(only, structure.schema.items, at, into);
    }
  } else {
    into.add(path);
  }
};

/** Why a configuration cannot be applied: items of a list that cannot be told apart. */
export const problemsOf = (value: unknown, schema: Schema, path: readonly PathElement[] = []): string[] => {
  const structure = structureOf(schema);
  if (structure.kind === 'fields' && isObject(value)) {
    return Object.entries(value).flatMap(([name, each]) =>
      problemsOf(each, fieldOf(structure.schema, name), [...path, fieldElement(name)]),
    );
  }
  if (structure.kind !== 'items' || !Array.isArray(value)) return [];
  const list: readonly unknown[] = value;
  const missing = list.flatMap((item, index) => {
    const keys = structure.schema.listType === 'map' ? keysOfItem(item, structure.schema) : {};
    return 'missing' in keys
      ? [
          `${describePath(path)}: element ${index}: associative list with keys has an element that omits key field ${JSON.stringify(keys.missing)} (and doesn't have default value)`,
        ]
      : [];
  });
  const items = [...itemsByElement(list, structure.schema)];
  const duplicates = items
    .filter(([, same]) => same.length > 1)
    .map(([element]) => `${describePath(path)}: duplicate entries for key ${describePath([element])}`);
  const below = items.flatMap(([element, [item]]) =>
    problemsOf(item, structure.schema.items, [...path, element]),
  );
  return [...missing, ...duplicates, ...below];
};

/** The set with the declared fields above its members: a struct goes when all that an applier had in it goes, a map stays. */
export const withNamedFields = (set: FieldSet, schema: Schema): FieldSet => {
  const structure = structureOf(schema);
  if (structure.kind === 'leaf') return set;
  const children = new Map<PathElement, FieldSet>();
  for (const [element, child] of set.children) {
    const name = element.slice(2);
    const isField = element.startsWith('f:');
    const below =
      structure.kind === 'items'
        ? withNamedFields(child, structure.schema.items)
        : withNamedFields(child, fieldOf(structure.schema, name));
    const named = structure.kind === 'fields' && isField && isNamedField(structure.schema, name);
    children.set(element, named ? { ...below, member: true } : below);
  }
  return { member: set.member, children };
};

/**
 * The value without the members of `gone`. What loses all it had goes too and becomes undefined, unless it is itself a member
 * of `kept`: then it stays, empty.
 */
export const removeItems = (value: unknown, gone: FieldSet, kept: FieldSet, schema: Schema): unknown => {
  const structure = structureOf(schema);
  const below = (each: unknown, element: PathElement, of: Schema): unknown => {
    const removed = gone.children.get(element);
    if (removed === undefined) return each;
    return removed.member
      ? undefined
      : removeItems(each, removed, kept.children.get(element) ?? emptyFieldSet, of);
  };
  if (structure.kind === 'fields' && isObject(value)) {
    const rest: { [key: string]: unknown } = {};
    for (const [name, each] of Object.entries(value)) {
      const remaining = below(each, fieldElement(name), fieldOf(structure.schema, name));
      if (remaining !== undefined) rest[name] = remaining;
    }
    return Object.keys(rest).length === 0 && !kept.member ? undefined : rest;
  }
  if (structure.kind === 'items' && Array.isArray(value)) {
    const rest = (value as readonly unknown[])
      .map((item, index) => below(item, itemElement(item, index, structure.schema), structure.schema.items))
      .filter((item) => item !== undefined);
    return rest.length === 0 && !kept.member ? undefined : rest;
  }
  return value;
};
