import type { Schema } from '../schema.js';
import { fieldOf } from '../schema-walk.js';
import { badRequest, unprocessable, type ApiError } from '../status/index.js';
import { deepEqual, isObject, ownProperty } from '../values.js';
import { applyElementOrder } from './element-order.js';
import { mergeKeyOf, mergesLists, type PatchObject } from './strategy.js';

/**
 * Kubernetes' strategic merge patch: a merge patch in which the schema says which lists merge, and by which key, and whose
 * directives delete, replace and order:
 * https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 */

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_FROM_PRIMITIVE_LIST = '$deleteFromPrimitiveList/';
const SET_ELEMENT_ORDER = '$setElementOrder/';

const unknownDirective = (directive: unknown): ApiError =>
  badRequest(`invalid strategic merge patch: unknown ${DIRECTIVE} type ${JSON.stringify(directive)}`);

const missingMergeKey = (key: string): ApiError =>
  unprocessable(
    `the server rejected our request due to an error in our request: map does not contain the merge key: ${key}`,
  );

const listOf = (value: unknown, directive: string): unknown[] => {
  if (Array.isArray(value)) return value;
  throw badRequest(`invalid strategic merge patch: ${directive} must be a list`);
};

/** Neither argument is changed; the result may share parts with both. Throws 400 and 422. */
export const applyStrategicMergePatch = (current: unknown, patch: unknown, schema: Schema): unknown => {
  if (!isObject(patch)) throw badRequest('invalid strategic merge patch: it must be an object');
  return mergeObject(isObject(current) ? current : {}, patch, schema);
};

const mergeObject = (current: PatchObject, patch: PatchObject, schema: Schema): PatchObject => {
  if (Object.hasOwn(patch, DIRECTIVE)) {
    const { [DIRECTIVE]: directive, ...rest } = patch;
    switch (directive) {
      case 'replace':
        return mergeObject({}, rest, schema);
      case 'delete':
        return {};
      case 'merge':
        return mergeObject(current, rest, schema);
      default:
        throw unknownDirective(directive);
    }
  }
  const merged = retainKeys(current, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (key === RETAIN_KEYS || key.startsWith(SET_ELEMENT_ORDER)) continue;
    if (key.startsWith(DELETE_FROM_PRIMITIVE_LIST)) {
      deleteFromPrimitiveList(merged, key, value);
    } else if (value === null) {
      delete merged[key];
    } else {
      merged[key] = mergeValue(ownProperty(merged, key), value, fieldOf(schema, key));
    }
  }
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(SET_ELEMENT_ORDER)) continue;
    const field = key.slice(SET_ELEMENT_ORDER.length);
    const list = ownProperty(merged, field);
    if (!Array.isArray(list)) continue;
    merged[field] = applyElementOrder({
      list,
      order: listOf(order, SET_ELEMENT_ORDER),
      patched: ownProperty(patch, field),
      live: ownProperty(current, field),
      mergeKey: mergeKeyOf(fieldOf(schema, field)),
    });
  }
  return merged;
};

/** `$retainKeys`: of a union, what the list does not name goes; the patch may set nothing else. */
const retainKeys = (current: PatchObject, patch: PatchObject): PatchObject => {
  if (!Object.hasOwn(patch, RETAIN_KEYS)) return { ...current };
  const retained = new Set(listOf(patch[RETAIN_KEYS], RETAIN_KEYS));
  const stray = Object.keys(patch).find(
    (key) => !key.startsWith('$') && patch[key] !== null && !retained.has(key),
  );
  if (stray !== undefined) {
    throw badRequest(`invalid strategic merge patch: ${RETAIN_KEYS} does not list ${JSON.stringify(stray)}`);
  }
  return Object.fromEntries(Object.entries(current).filter(([key]) => retained.has(key)));
};

const deleteFromPrimitiveList = (merged: PatchObject, key: string, value: unknown): void => {
  const field = key.slice(DELETE_FROM_PRIMITIVE_LIST.length);
  const deleted = listOf(value, DELETE_FROM_PRIMITIVE_LIST);
  const list = ownProperty(merged, field);
  if (Array.isArray(list)) merged[field] = list.filter((item) => !deleted.includes(item));
};

const mergeValue = (current: unknown, patch: unknown, schema: Schema): unknown => {
  if (isObject(patch)) return mergeObject(isObject(current) ? current : {}, patch, schema);
  if (!Array.isArray(patch) || !mergesLists(schema)) return patch;
  const list = Array.isArray(current) ? current : [];
  const mergeKey = mergeKeyOf(schema);
  return mergeKey === undefined
    ? mergePrimitives(list, patch)
    : mergeByKey(list, patch, schema.items, mergeKey);
};

const mergePrimitives = (current: readonly unknown[], patch: readonly unknown[]): unknown[] => {
  if (patch.some((item) => typeof item === 'object')) {
    throw badRequest('invalid strategic merge patch: list element types are not identical');
  }
  const list = [...new Set([...current, ...patch])];
  return applyElementOrder({ list, order: patch, patched: undefined, live: current, mergeKey: undefined });
};

/** Without `$setElementOrder` the patch's own order counts: as on Kubernetes, new items come before those that only the server knows. */
const mergeByKey = (
  current: readonly unknown[],
  patch: readonly unknown[],
  items: Schema,
  mergeKey: string,
): unknown[] => {
  const additions: PatchObject[] = [];
  const deletions: unknown[] = [];
  let replace = false;
  for (const item of patch) {
    if (!isObject(item)) {
      throw badRequest('invalid strategic merge patch: list element types are not identical');
    }
    const { [DIRECTIVE]: directive, ...rest } = item;
    const key = ownProperty(rest, mergeKey);
    if (directive === 'replace') {
      replace = true;
      // Alone, the directive is about the list; with fields beside it, about this item too.
      if (Object.keys(rest).length > 0) additions.push(rest);
      continue;
    }
    if (key === undefined) throw missingMergeKey(mergeKey);
    if (directive === 'delete') deletions.push(key);
    else if (directive === undefined || directive === 'merge') additions.push(rest);
    else throw unknownDirective(directive);
  }
  const kept = replace
    ? []
    : current.filter((item) => !deletions.some((key) => deepEqual(key, keyOf(item, mergeKey))));
  const list = additions.reduce<unknown[]>((each, item) => upsert(each, item, items, mergeKey), [...kept]);
  return replace
    ? list
    : applyElementOrder({ list, order: additions, patched: undefined, live: current, mergeKey });
};

const keyOf = (item: unknown, mergeKey: string): unknown =>
  isObject(item) ? ownProperty(item, mergeKey) : undefined;

const upsert = (list: unknown[], item: PatchObject, items: Schema, mergeKey: string): unknown[] => {
  const key = ownProperty(item, mergeKey);
  const at = list.findIndex((each) => key !== undefined && deepEqual(keyOf(each, mergeKey), key));
  if (at < 0) list.push(mergeObject({}, item, items));
  else list[at] = mergeValue(list[at], item, items);
  return list;
};
