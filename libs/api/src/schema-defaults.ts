import type { ObjectSchema, Schema } from './schema.js';

/** An empty string stands for none, as in Kubernetes, whose strings cannot be absent. */
const isOpen = (value: unknown): boolean => value === undefined || value === null || value === '';

const defaultOf = (schema: Schema): unknown => ('default' in schema ? schema.default : undefined);

/** Fills the open fields of `object`, and of what it holds, in place. */
export const fillDefaults = (schema: ObjectSchema, object: { [field: string]: unknown }): void => {
  for (const [name, property] of Object.entries(schema.properties)) {
    const value = object[name];
    const byDefault = defaultOf(property.schema);
    if (isOpen(value)) {
      if (byDefault !== undefined) object[name] = byDefault;
    } else fillWithin(property.schema, value);
  }
};

const fillWithin = (schema: Schema, value: unknown): void => {
  if (typeof value !== 'object' || value === null) return;
  if (schema.kind === 'object') fillDefaults(schema, value as { [field: string]: unknown });
  else if (schema.kind === 'map') for (const each of Object.values(value)) fillWithin(schema.values, each);
  else if (schema.kind === 'lazy') fillWithin(schema.get(), value);
  else if (schema.kind === 'array' && Array.isArray(value))
    for (const item of value) fillWithin(schema.items, item);
};

/** A deep copy with the defaults that depend on nothing but a field's absence. */
export const withSchemaDefaults = (
  schema: ObjectSchema,
  object: { readonly [field: string]: unknown },
): { [field: string]: unknown } => {
  const copy = structuredClone(object) as { [field: string]: unknown };
  fillDefaults(schema, copy);
  return copy;
};
