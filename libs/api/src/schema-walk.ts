import { any, type LazySchema, type Schema } from './schema.js';

export type ResolvedSchema = Exclude<Schema, LazySchema>;

const anything = any();

/** The schema behind `lazy`. */
export const resolveSchema = (schema: Schema): ResolvedSchema => {
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
