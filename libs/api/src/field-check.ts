import { badRequest, type ApiError } from './status/index.js';
import { limits } from './limits.js';
import { formatQuantity, InvalidQuantity, parseQuantity } from './quantity.js';
import type { Resource } from './resource.js';
import type { ArraySchema, IntegerSchema, MapSchema, ObjectSchema, Schema, StringSchema } from './schema.js';

/** The `fieldValidation` parameter: https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface FieldCheck {
  /** The object as its kind knows it: unknown fields and nulls dropped, quantities and times in canonical form. */
  readonly value: { [field: string]: unknown };
  /** Why it cannot be decoded, in the words of Kubernetes' decoder; the first problem only, as there. */
  readonly error: string | undefined;
  /** `unknown field "spec.foo"`, under `Warn` only. */
  readonly warnings: readonly string[];
}

/** The first value that does not fit ends the check. */
class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** Where in the object and in which struct a value stands: Go's decoder names both. */
interface Place {
  /** `spec.containers[0]`, for unknown fields. */
  readonly path: string;
  /** `spec.containers`: as `path`, without indices and map keys, for type errors. */
  readonly fieldPath: string;
  readonly struct: string;
}

const fieldOf = (place: Place, name: string, struct: string): Place => ({
  path: place.path === '' ? name : `${place.path}.${name}`,
  fieldPath: place.fieldPath === '' ? name : `${place.fieldPath}.${name}`,
  struct,
});

const shortName = (schema: Schema): string | undefined =>
  schema.kind === 'object' ? schema.name?.split('.').at(-1) : undefined;

const goType = (schema: Schema): string => {
  switch (schema.kind) {
    case 'string':
      return schema.format === 'byte' ? '[]uint8' : 'string';
    case 'integer':
      return schema.format;
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'array':
      return `[]${goType(schema.items)}`;
    case 'map':
      return `map[string]${goType(schema.values)}`;
    case 'object':
      return `v1.${shortName(schema) ?? 'Object'}`;
    case 'lazy':
      return goType(schema.get());
    case 'quantity':
      return 'resource.Quantity';
    case 'int-or-string':
      return 'intstr.IntOrString';
    case 'any':
      return 'interface {}';
  }
};

const jsonKind = (value: unknown): string => {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
};

const mismatch = (schema: Schema, value: unknown, place: Place, said = jsonKind(value)): DecodeError =>
  new DecodeError(
    place.struct === ''
      ? `json: cannot unmarshal ${said} into Go value of type ${goType(schema)}`
      : `json: cannot unmarshal ${said} into Go struct field ${place.struct}.${place.fieldPath} of type ${goType(schema)}`,
  );

const integerRange = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  /** JSON numbers are doubles here, so that more cannot be told apart. */
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
} as const;

const checkInteger = (schema: IntegerSchema, value: unknown, place: Place): number => {
  if (typeof value !== 'number') throw mismatch(schema, value, place);
  const [least, most] = integerRange[schema.format];
  if (!Number.isInteger(value) || value < least || value > most)
    throw mismatch(schema, value, place, `number ${value}`);
  return value;
};

const timeFormat = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?(?:Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 in UTC: whole seconds for Time, six digits for MicroTime. */
const checkTime = (text: string, format: 'date-time' | 'micro-time'): string => {
  const match = timeFormat.exec(text);
  const then = match === null ? Number.NaN : Date.parse(text);
  if (match === null || Number.isNaN(then)) {
    const layout = format === 'date-time' ? '2006-01-02T15:04:05Z07:00' : '2006-01-02T15:04:05.000000Z07:00';
    throw new DecodeError(
      `parsing time ${JSON.stringify(text)} as "${layout}": cannot parse ${JSON.stringify(text)} as "2006"`,
    );
  }
  const seconds = new Date(then).toISOString().slice(0, 19);
  return format === 'date-time'
    ? `${seconds}Z`
    : `${seconds}.${(match[1] ?? '').padEnd(6, '0').slice(0, 6)}Z`;
};

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const checkBase64 = (text: string): string => {
  const joined = text.replaceAll(/[\r\n]/g, '');
  if (base64.test(joined)) return joined;
  const bad = joined.search(/[^A-Za-z0-9+/]/);
  throw new DecodeError(`illegal base64 data at input byte ${bad === -1 ? joined.length : bad}`);
};

const checkString = (schema: StringSchema, value: unknown, place: Place): string | undefined => {
  if (typeof value !== 'string') throw mismatch(schema, value, place);
  switch (schema.format) {
    case undefined:
      return value;
    case 'byte':
      return checkBase64(value);
    case 'date-time':
    case 'micro-time':
      return value === '' ? undefined : checkTime(value, schema.format);
  }
};

const checkQuantity = (value: unknown): string => {
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new DecodeError(`json: cannot unmarshal ${jsonKind(value)} into Go value of type string`);
  const parsed = parseQuantity(value);
  if (parsed instanceof InvalidQuantity) throw new DecodeError(parsed.message);
  return formatQuantity(parsed);
};

const checkDepth = (value: unknown, depthLeft: number): void => {
  if (typeof value !== 'object' || value === null) return;
  if (depthLeft === 0) throw new DecodeError('exceeded max depth');
  for (const each of Object.values(value)) checkDepth(each, depthLeft - 1);
};

/** What Go's decoder leaves for a null among the items of a list or the values of a map. */
const zeroOf = (schema: Schema): unknown => {
  switch (schema.kind) {
    case 'string':
      return '';
    case 'integer':
    case 'number':
    case 'int-or-string':
      return 0;
    case 'boolean':
      return false;
    case 'quantity':
      return '0';
    case 'array':
      return [];
    case 'map':
    case 'object':
      return {};
    case 'lazy':
      return zeroOf(schema.get());
    case 'any':
      return null;
  }
};

/** A walk over one object; `unknown` collects the paths that no schema knows. */
class Walk {
  readonly unknown: string[] = [];

  check(schema: Schema, value: unknown, place: Place): unknown {
    switch (schema.kind) {
      case 'string':
        return checkString(schema, value, place);
      case 'integer':
        return checkInteger(schema, value, place);
      case 'number':
        if (typeof value !== 'number') throw mismatch(schema, value, place);
        return value;
      case 'boolean':
        if (typeof value !== 'boolean') throw mismatch(schema, value, place);
        return value;
      case 'quantity':
        return checkQuantity(value);
      case 'int-or-string':
        return typeof value === 'string'
          ? value
          : checkInteger({ kind: 'integer', format: 'int32' }, value, { ...place, struct: '' });
      case 'any':
        checkDepth(value, limits.depthMax);
        return value;
      case 'array':
        return this.#list(schema, value, place);
      case 'map':
        return this.#map(schema, value, place);
      case 'object':
        return this.#object(schema, value, place);
      case 'lazy':
        return this.check(schema.get(), value, place);
    }
  }

  #list(schema: ArraySchema, value: unknown, place: Place): unknown[] {
    if (!Array.isArray(value)) throw mismatch(schema, value, place);
    return value.map((item: unknown, index) =>
      item === null
        ? zeroOf(schema.items)
        : this.check(schema.items, item, { ...place, path: `${place.path}[${index}]` }),
    );
  }

  #map(schema: MapSchema, value: unknown, place: Place): { [key: string]: unknown } {
    if (!isObject(value)) throw mismatch(schema, value, place);
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        key,
        each === null
          ? zeroOf(schema.values)
          : this.check(schema.values, each, { ...place, path: `${place.path}.${key}` }),
      ]),
    );
  }

  #object(schema: ObjectSchema, value: unknown, place: Place): { [field: string]: unknown } {
    if (!isObject(value)) throw mismatch(schema, value, place);
    const known: [string, unknown][] = [];
    for (const [name, each] of Object.entries(value)) {
      const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      const at = fieldOf(place, name, shortName(schema) ?? place.struct);
      if (property === undefined) this.unknown.push(at.path);
      else if (each !== null && each !== undefined) {
        const checked = this.check(property.schema, each, at);
        if (checked !== undefined) known.push([name, checked]);
      }
    }
    return Object.fromEntries(known);
  }
}

const isObject = (value: unknown): value is { [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Decodes a parsed JSON value as Kubernetes' decoder would: a wrong type is always an error; an unknown field is an error, a warning
 * or nothing, and dropped in any case. Duplicate fields are gone once JSON is parsed; who parses reports them.
 */
export const checkFields = (schema: ObjectSchema, value: unknown, mode: FieldValidation): FieldCheck => {
  const walk = new Walk();
  try {
    const checked = walk.check(schema, value, { path: '', fieldPath: '', struct: '' });
    const problems = walk.unknown
      .slice(0, limits.strictErrorsMax)
      .map((path) => `unknown field ${JSON.stringify(path)}`);
    return {
      value: isObject(checked) ? checked : {},
      error:
        mode === 'Strict' && problems.length > 0
          ? `strict decoding error: ${problems.join(', ')}`
          : undefined,
      warnings: mode === 'Warn' ? problems : [],
    };
  } catch (error) {
    if (error instanceof DecodeError) return { value: {}, error: error.message, warnings: [] };
    throw error;
  }
};

/** The 400 that answers a `FieldCheck`'s error. */
export const cannotBeHandled = (
  { kind, version }: Pick<Resource, 'kind' | 'version'>,
  error: string,
): ApiError =>
  badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${error}`);
