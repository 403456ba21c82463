import { badRequest, type MapSchema, type ObjectSchema, type Schema } from '@raftsman/api';
import { fieldNumbers } from './field-numbers.js';
import { wireFields, type WireField } from './wire.js';

type Json = { [name: string]: unknown };

const depthMax = 64;

/** An object of a schema from its protobuf encoding. Fields that the schema does not know are passed over. Throws 400. */
export function decodeMessage(schema: ObjectSchema, bytes: Buffer, depth = 0): Json {
  if (depth > depthMax) throw badRequest('the protobuf is nested too deeply');
  const object: Json = {};
  decodeInto(object, schema, schema.name ?? '', bytes, depth);
  return object;
}

function decodeInto(object: Json, schema: ObjectSchema, type: string, bytes: Buffer, depth: number): void {
  const names = fieldsOf(type);
  for (const field of wireFields(bytes)) {
    const known = names.get(field.number);
    if (known === undefined) continue;
    const { name, inlined, optional } = known;
    if (inlined) {
      decodeInto(object, schema, `${packageOf(type)}.${name}`, bytesOf(field, name), depth);
      continue;
    }
    const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (property !== undefined) decodeField(object, { name, optional }, property.schema, field, depth);
  }
}

function decodeField(
  object: Json,
  { name, optional }: Pick<Field, 'name' | 'optional'>,
  schema: Schema,
  field: WireField,
  depth: number,
): void {
  if (schema.kind === 'array') {
    const list = (object[name] ??= []) as unknown[];
    list.push(decodeValue(schema.items, field, name, depth));
  } else if (schema.kind === 'map') {
    const map = (object[name] ??= {}) as Json;
    const [key, value] = decodeEntry(schema, bytesOf(field, name), name, depth);
    // A key may be anything, `__proto__` too.
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    const value = decodeValue(schema, field, name, depth);
    if (optional || !isZero(value)) object[name] = value;
  }
}

/** Go writes these where nothing was said. */
const isZero = (value: unknown): boolean =>
  value === undefined || value === '' || value === 0 || value === false;

function decodeEntry(
  schema: MapSchema,
  entry: Buffer,
  name: string,
  depth: number,
): readonly [string, unknown] {
  let key = '';
  let value: unknown;
  for (const field of wireFields(entry)) {
    if (field.number === 1) key = bytesOf(field, name).toString();
    if (field.number === 2) value = decodeValue(schema.values, field, name, depth);
  }
  return [key, value ?? ''];
}

function decodeValue(schema: Schema, field: WireField, name: string, depth: number): unknown {
  switch (schema.kind) {
    case 'string':
      return decodeString(schema.format, bytesOf(field, name));
    case 'integer':
      return Number(BigInt.asIntN(64, varintOf(field, name)));
    case 'boolean':
      return varintOf(field, name) !== 0n;
    case 'number':
      if (field.kind !== 'fixed64') throw mismatch(name);
      return field.value.readDoubleLE();
    case 'quantity':
      return firstText(bytesOf(field, name));
    case 'int-or-string':
      return decodeIntOrString(bytesOf(field, name));
    case 'object':
      return decodeMessage(schema, bytesOf(field, name), depth + 1);
    case 'lazy':
      return decodeValue(schema.get(), field, name, depth);
    case 'any':
      return decodeRaw(bytesOf(field, name), name);
    case 'array':
    case 'map':
      throw mismatch(name);
  }
}

function decodeString(
  format: 'date-time' | 'micro-time' | 'byte' | undefined,
  bytes: Buffer,
): string | undefined {
  switch (format) {
    case undefined:
      return bytes.toString();
    case 'byte':
      return bytes.toString('base64');
    case 'date-time':
    case 'micro-time':
      return decodeTime(format, bytes);
  }
}

/** Seconds and nanoseconds since 1970; nothing at all, or Go's zero time, is no time. */
function decodeTime(format: 'date-time' | 'micro-time', bytes: Buffer): string | undefined {
  let seconds: number | null = null;
  let nanos = 0;
  for (const field of wireFields(bytes)) {
    if (field.number === 1) seconds = Number(BigInt.asIntN(64, varintOf(field, 'seconds')));
    if (field.number === 2) nanos = Number(varintOf(field, 'nanos'));
  }
  const yearOneSeconds = -62_135_596_800;
  if (seconds === null || seconds <= yearOneSeconds) return undefined;
  if (seconds > 253_402_300_799) throw badRequest('the protobuf holds a time after the year 9999');
  const text = new Date(seconds * 1_000).toISOString().slice(0, 19);
  return format === 'date-time'
    ? `${text}Z`
    : `${text}.${String(Math.floor(nanos / 1_000))
        .padStart(6, '0')
        .slice(-6)}Z`;
}

function decodeIntOrString(bytes: Buffer): number | string {
  let isString = false;
  let number = 0;
  let text = '';
  for (const field of wireFields(bytes)) {
    if (field.number === 1) isString = varintOf(field, 'type') === 1n;
    if (field.number === 2) number = Number(BigInt.asIntN(64, varintOf(field, 'intVal')));
    if (field.number === 3) text = bytesOf(field, 'strVal').toString();
  }
  return isString ? text : number;
}

function firstText(bytes: Buffer): string {
  for (const field of wireFields(bytes)) if (field.number === 1) return bytesOf(field, 'string').toString();
  return '0';
}

/** JSON within protobuf: FieldsV1, RawExtension. */
function decodeRaw(bytes: Buffer, name: string): unknown {
  try {
    return JSON.parse(firstText(bytes));
  } catch (error) {
    throw badRequest(`the protobuf's ${name} is not JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

const mismatch = (name: string): Error => badRequest(`the protobuf's ${name} is not of its type`);

function bytesOf(field: WireField, name: string): Buffer {
  if (field.kind !== 'bytes') throw mismatch(name);
  return field.value;
}

function varintOf(field: WireField, name: string): bigint {
  if (field.kind !== 'varint') throw mismatch(name);
  return field.value;
}

const packageOf = (type: string): string => type.slice(0, type.lastIndexOf('.'));

interface Field {
  readonly name: string;
  readonly inlined: boolean;
  readonly optional: boolean;
}

const parsed = new Map<string, ReadonlyMap<number, Field>>();
const noFields: ReadonlyMap<number, Field> = new Map();

/** Fields by number, from the table's compact form. */
function fieldsOf(type: string): ReadonlyMap<number, Field> {
  const known = parsed.get(type);
  if (known !== undefined) return known;
  const line = fieldNumbers[packageOf(type)]?.[type.slice(packageOf(type).length + 1)];
  if (line === undefined) return noFields;
  const fields = new Map<number, Field>();
  let number = 0;
  for (const each of line.split(' ')) {
    const [, plus, name, star, given] = /^(\+?)(\w+)(\*?)(?:=(\d+))?$/.exec(each)!;
    number = given === undefined ? number + 1 : Number(given);
    fields.set(number, { name: name!, inlined: plus !== '', optional: star !== '' });
  }
  parsed.set(type, fields);
  return fields;
}
