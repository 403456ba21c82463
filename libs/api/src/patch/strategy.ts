import type { ArraySchema, Schema } from '../schema.js';
import { resolveSchema } from '../schema-walk.js';

export type PatchObject = { [key: string]: unknown };

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
