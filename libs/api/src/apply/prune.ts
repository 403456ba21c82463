import type { Schema } from '../schema.js';
import { difference, emptyFieldSet, intersection, isEmptySet, union, type FieldSet } from './field-set.js';
import type { Managers } from './managers.js';
import { fieldSetOf, removeItems, withNamedFields } from './structure.js';

/**
 * The merged object without what its applier applied last time (`last`), does not apply this time, and nobody else owns
 * (`managers`, this one with its new fields among them):
 * 1. remove all of `last`, which takes structs and items of lists along with whatever they hold, such as defaults;
 * 2. put back what somebody owns;
 * 3. put back what never was in `last` and fell with its parents, if they are back.
 */
export const prune = (merged: unknown, last: FieldSet, managers: Managers, schema: Schema): unknown => {
  if (isEmptySet(last)) return merged;
  const named = (fields: FieldSet): FieldSet => withNamedFields(fields, schema);
  const present = (value: unknown): FieldSet => named(fieldSetOf(value ?? {}, schema));
  const owned = [...managers.values()].map(({ fields }) => fields).reduce(union, emptyFieldSet);
  const without = (gone: FieldSet): unknown => removeItems(merged, gone, owned, schema);

  const all = present(merged);
  const bare = without(named(last));
  const owners = without(difference(all, union(present(bare), named(owned))));
  return without(intersection(difference(all, present(owners)), named(last)));
};
