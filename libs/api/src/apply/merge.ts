import type { ArraySchema, Schema } from '../schema.js';
import { fieldOf } from '../schema-walk.js';
import { isObject, ownProperty } from '../values.js';
import type { PathElement } from './path-element.js';
import { itemsByElement, structureOf } from './structure.js';

/** The live value with what is applied laid over it. Neither is changed; the result may share parts with both. */
export const mergeApplied = (live: unknown, applied: unknown, schema: Schema): unknown => {
  if (applied === undefined) return live;
  if (live === undefined) return applied;
  const structure = structureOf(schema);
  if (structure.kind === 'fields' && isObject(live) && isObject(applied)) {
    const merged: { [key: string]: unknown } = { ...live };
    for (const [name, value] of Object.entries(applied)) {
      merged[name] = mergeApplied(ownProperty(live, name), value, fieldOf(structure.schema, name));
    }
    return merged;
  }
  if (structure.kind === 'items' && Array.isArray(live) && Array.isArray(applied)) {
    return mergeItems(live, applied, structure.schema);
  }
  return applied;
};

/**
 * Applied items come in their own order; items that only the live list has keep their place among those that both have.
 * Items that the live list has twice stay as they are, unless the applied one takes their place.
 */
const mergeItems = (
  live: readonly unknown[],
  applied: readonly unknown[],
  schema: ArraySchema,
): unknown[] => {
  const theirs = itemsByElement(live, schema);
  const ours = itemsByElement(applied, schema);
  const order = [...ours.keys()];
  const shared = order.filter((element) => theirs.has(element)).values();
  let nextShared = shared.next().value;
  let at = 0;
  const merged: unknown[] = [];
  const emit = (element: PathElement): void => {
    const [own] = ours.get(element) ?? [];
    const [first, ...others] = theirs.get(element) ?? [];
    merged.push(others.length === 0 ? mergeApplied(first, own, schema.items) : own);
  };
  for (const [element, items] of theirs) {
    if (!ours.has(element)) {
      merged.push(...items);
    } else if (element === nextShared) {
      for (const until = order.indexOf(element, at); at <= until; at += 1) emit(order[at] ?? element);
      nextShared = shared.next().value;
    }
  }
  for (const element of order.slice(at)) emit(element);
  return merged;
};
