import { any, type ArraySchema, type Schema } from '../schema.js';

export type PatchObject = { [key: string]: unknown };

const anything = any();

/** The schema behind `lazy`. */
export const resolveSchema = (schema: Schema): Exclude<Schema, { readonly kind: 'lazy' }> => {
  let resolved = schema;
  while (resolved.kind === 'lazy') resolved = resolved.get();
  return resolved;
};

/** The schema of a member; of a member that the schema does not know, anything (validation names it later). */
export const fieldOf = (schema: Schema, key: string): Schema => {
  const resolved = resolveSchema(schema);
  if (resolved.kind === 'map') return resolved.values;
  if (resolved.kind !== 'object' || !Object.hasOwn(resolved.properties, key)) return anything;
  return resolved.properties[key]?.schema ?? anything;
};

/** Whether a strategic merge patch adds to a list instead of replacing it. */
export const mergesLists = (schema: Schema): schema is ArraySchema => {
  const resolved = resolveSchema(schema);
  return (
    resolved.kind === 'array' && (resolved.patchMergeKey !== undefined || resolved.patchStrategy === 'merge')
  );
};

/** The key by which the items of a list merge; undefined for primitives and for what does not merge. */
export const mergeKeyOf = (schema: Schema): string | undefined => {
  const resolved = resolveSchema(schema);
  return resolved.kind === 'array' ? resolved.patchMergeKey : undefined;
};
