import type { ObjectSchema, Properties, Schema } from '../schema.js';
import { notSupported, required, type FieldError } from '../status/index.js';
import { child, keyed } from './path.js';

/** Required in OpenAPI, yet Kubernetes takes nothing for an empty value. */
const mayBeAbsent: ReadonlySet<string> = new Set([
  'io.k8s.api.core.v1.HTTPHeader.value',
  'io.k8s.api.core.v1.Sysctl.value',
]);

const isAbsent = (value: unknown): boolean => value === undefined || value === null || value === '';

const checkObject = (
  { name, properties }: ObjectSchema,
  value: { readonly [field: string]: unknown },
  path: string,
): readonly FieldError[] =>
  Object.entries(properties).flatMap(([field, property]) => {
    const at = child(path, field);
    const within = value[field];
    if (!isAbsent(within)) return checkStructure(property.schema, within, at);
    return property.required && !mayBeAbsent.has(`${name}.${field}`) ? [required(at)] : [];
  });

/** What is missing, and values outside their enumeration, in all of `value`. */
const checkStructure = (schema: Schema, value: unknown, path: string): readonly FieldError[] => {
  if (schema.kind === 'string')
    return schema.enum !== undefined && typeof value === 'string' && !schema.enum.includes(value)
      ? [notSupported(path, value, schema.enum.toSorted())]
      : [];
  if (typeof value !== 'object' || value === null) return [];
  if (schema.kind === 'lazy') return checkStructure(schema.get(), value, path);
  if (schema.kind === 'object') return checkObject(schema, value as { [field: string]: unknown }, path);
  if (schema.kind === 'map')
    return Object.entries(value).flatMap(([key, each]) =>
      checkStructure(schema.values, each, keyed(path, key)),
    );
  if (schema.kind === 'array' && Array.isArray(value))
    return value.flatMap((item, index) => checkStructure(schema.items, item, keyed(path, index)));
  return [];
};

/** Metadata has its own rules; a status is written by components and taken as it is. */
const unchecked: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'status']);

export const validateStructure = (
  schema: ObjectSchema,
  object: { readonly [field: string]: unknown },
): readonly FieldError[] => {
  const properties: Properties = Object.fromEntries(
    Object.entries(schema.properties).filter(([field]) => !unchecked.has(field)),
  );
  return checkObject({ ...schema, properties }, object, '');
};
