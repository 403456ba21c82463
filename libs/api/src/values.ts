/** What JSON can say. Objects own their keys: `__proto__` never comes through `decodeBody`. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

export const isObject = (value: unknown): value is { [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Equality of JSON values; an object's property that is undefined counts as absent. */
export const deepEqual = (left: unknown, right: unknown): boolean => {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => deepEqual(item, right[index]))
    );
  }
  if (!isObject(left) || !isObject(right)) return false;
  const defined = Object.keys(left).filter((key) => left[key] !== undefined);
  const others = Object.keys(right).filter((key) => right[key] !== undefined);
  return (
    defined.length === others.length &&
    defined.every((key) => Object.hasOwn(right, key) && deepEqual(left[key], right[key]))
  );
};

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (Array.isArray(value) ? value.length === 0 : isObject(value) && Object.values(value).every(isEmpty));

/**
 * Equality as apimachinery's semantic DeepEqual has it: null, nothing, an empty list and an empty object are the same.
 * For "does this write change anything?", not for patches, where the difference counts.
 */
export const semanticEqual = (left: unknown, right: unknown): boolean => {
  if (left === right || (isEmpty(left) && isEmpty(right))) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => semanticEqual(item, right[index]))
    );
  }
  if (!isObject(left) || !isObject(right)) return false;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) =>
    semanticEqual(ownProperty(left, key), ownProperty(right, key)),
  );
};

/** The property itself, never one that is inherited (`constructor`, `toString`). */
export const ownProperty = (object: { readonly [key: string]: unknown }, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined;

/** A copy that shares nothing with the original. Properties that are undefined are left out, as JSON does. */
export const jsonClone = <T>(value: T): T => clone(value) as T;

const clone = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(clone);
  if (!isObject(value)) return value;
  const copy: { [key: string]: unknown } = {};
  for (const [key, each] of Object.entries(value)) if (each !== undefined) copy[key] = clone(each);
  return copy;
};

/** The same value without properties that are null, which Kubernetes reads as absent. What has none is not copied. */
export const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) {
    const items = value.map(withoutNulls);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isObject(value)) return value;
  let changed = false;
  const kept: { [key: string]: unknown } = {};
  for (const [key, each] of Object.entries(value)) {
    const pruned = withoutNulls(each);
    changed ||= pruned !== each || each === null;
    if (pruned !== null) kept[key] = pruned;
  }
  return changed ? kept : value;
};

export interface Measure {
  /** Scalars, lists, objects and keys. */
  readonly nodes: number;
  /** Characters of strings and keys, plus the nodes: a lower bound of the JSON's length, near it in practice. */
  readonly size: number;
  /** 1 for a scalar. */
  readonly depth: number;
}

/** Sizes a value without recursion, and gives up as soon as it is deeper than `depthMax`. */
export const measure = (root: unknown, depthMax: number): Measure => {
  const pending: { value: unknown; depth: number }[] = [{ value: root, depth: 1 }];
  let nodes = 0;
  let size = 0;
  let deepest = 1;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth } = next;
    nodes += 1;
    size += typeof value === 'string' ? value.length + 1 : 1;
    deepest = Math.max(deepest, depth);
    if (depth > depthMax) break;
    if (Array.isArray(value)) {
      for (const item of value) pending.push({ value: item, depth: depth + 1 });
    } else if (isObject(value)) {
      for (const [key, each] of Object.entries(value)) {
        size += key.length;
        pending.push({ value: each, depth: depth + 1 });
      }
    }
  }
  return { nodes, size, depth: deepest };
};
