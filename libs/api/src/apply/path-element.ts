import type { ArraySchema } from '../schema.js';
import { fieldOf, resolveSchema } from '../schema-walk.js';
import { isObject, ownProperty } from '../values.js';

/**
 * One step of a path, in the form that fieldsV1 has for its keys: `f:name` a field or a map's key, `k:{"name":"x"}` the item of
 * a list with these keys, `v:"x"` the item of a set, `i:0` an item by its index.
 */
export type PathElement = string;

export const fieldElement = (name: string): PathElement => `f:${name}`;

const sorted = (object: { readonly [key: string]: unknown }): { [key: string]: unknown } =>
  Object.fromEntries(Object.entries(object).toSorted(([left], [right]) => (left < right ? -1 : 1)));

/** The key fields of an item, or the first that is missing and has no default. */
export const keysOfItem = (
  item: unknown,
  schema: ArraySchema,
): { readonly keys: { [key: string]: unknown } } | { readonly missing: string } => {
  const keys: { [key: string]: unknown } = {};
  for (const key of schema.mapKeys ?? []) {
    const value = (isObject(item) ? ownProperty(item, key) : undefined) ?? defaultOf(schema, key);
    if (value === undefined) return { missing: key };
    keys[key] = value;
  }
  return { keys };
};

const defaultOf = (schema: ArraySchema, key: string): unknown => {
  const field = resolveSchema(fieldOf(schema.items, key));
  return 'default' in field ? field.default : undefined;
};

/** What tells an item apart from the others of its list; one that lacks a key goes by its index. */
export const itemElement = (item: unknown, index: number, schema: ArraySchema): PathElement => {
  if (schema.listType === 'set') return `v:${JSON.stringify(item)}`;
  const found = keysOfItem(item, schema);
  return 'keys' in found ? `k:${JSON.stringify(sorted(found.keys))}` : `i:${index}`;
};

/** The canonical form of a key of fieldsV1, or undefined for what is none. */
export const parsePathElement = (text: string): PathElement | undefined => {
  const rest = text.slice(2);
  switch (text.slice(0, 2)) {
    case 'f:':
      return text;
    case 'i:':
      return /^(0|[1-9][0-9]*)$/.test(rest) ? text : undefined;
    case 'k:': {
      const keys = parse(rest);
      return isObject(keys) && Object.keys(keys).length > 0 ? `k:${JSON.stringify(sorted(keys))}` : undefined;
    }
    case 'v:': {
      const value = parse(rest);
      return value === undefined ? undefined : `v:${JSON.stringify(value)}`;
    }
    default:
      return undefined;
  }
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever asks treats what does not parse as no element.
    return undefined;
  }
};

const describe = (element: PathElement): string => {
  const rest = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${rest}`;
    case 'v:':
      return `[=${rest}]`;
    case 'k:': {
      const keys = parse(rest);
      const pairs = isObject(keys) ? Object.entries(keys) : [];
      return `[${pairs.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    }
    default:
      return `[${rest}]`;
  }
};

/** `.spec.containers[name="web"].image` */
export const describePath = (path: readonly PathElement[]): string => path.map(describe).join('');

const ranks: Readonly<Record<string, number>> = { f: 0, k: 1, v: 2, i: 3 };

/** Fields before keys before values before indices, as Kubernetes writes them. */
export const comparePathElements = (left: PathElement, right: PathElement): number => {
  const byKind = (ranks[left.charAt(0)] ?? 4) - (ranks[right.charAt(0)] ?? 4);
  if (byKind !== 0) return byKind;
  if (left.startsWith('i:')) return Number(left.slice(2)) - Number(right.slice(2));
  return left < right ? -1 : left > right ? 1 : 0;
};
