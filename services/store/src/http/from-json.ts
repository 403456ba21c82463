import protobuf, { type Field } from 'protobufjs';
import { JsonError } from './json-values.js';

const { Enum, Type } = protobuf;
type Type = protobuf.Type;
type Enum = protobuf.Enum;

/**
 * A message in wire form from its JSON: protobuf's mapping as grpc-gateway reads it. Fields by the contract's name or in camel case;
 * bytes in base64; 64-bit numbers as numbers or text; enumerations by name or number; null and what is unknown is left out.
 * Throws JsonError.
 */
export function encodeJson(type: Type, json: unknown): Buffer {
  return Buffer.from(type.encode(messageOf(type, json)).finish());
}

function messageOf(type: Type, json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new JsonError(`cannot unmarshal ${kindOf(json)} into ${nameOf(type)}`);
  const fields = fieldsOf(type);
  const message: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    const field = fields.get(name);
    if (field === undefined || value === null) continue;
    message[field.name] = field.repeated ? listOf(field, value) : valueOf(field, value);
  }
  return message;
}

const known = new WeakMap<Type, ReadonlyMap<string, Field>>();

function fieldsOf(type: Type): ReadonlyMap<string, Field> {
  let fields = known.get(type);
  if (fields === undefined) {
    const camelCase = (name: string): string =>
      name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    fields = new Map(
      type.fieldsArray.flatMap((field) => [
        [camelCase(field.name), field],
        [field.name, field],
      ]),
    );
    known.set(type, fields);
  }
  return fields;
}

function listOf(field: Field, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw mismatch(field, value);
  return value.map((element) => valueOf(field, element));
}

function valueOf(field: Field, value: unknown): unknown {
  const { resolvedType: type } = field;
  if (type instanceof Type) return messageOf(type, value);
  if (type instanceof Enum) return enumOf(type, field, value);
  switch (field.type) {
    case 'bytes':
      return bytesOf(field, value);
    case 'string':
      if (typeof value !== 'string') throw mismatch(field, value);
      return value;
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(field, value);
      return value;
    default:
      return integerOf(field, value);
  }
}

function enumOf(type: Enum, field: Field, value: unknown): number {
  if (typeof value !== 'string') return Number(integerOf(field, value));
  const number = Object.hasOwn(type.values, value) ? type.values[value] : undefined;
  if (number === undefined) throw new JsonError(`unknown value "${value}" for enum ${nameOf(type)}`);
  return number;
}

function bytesOf(field: Field, value: unknown): Buffer {
  if (typeof value !== 'string') throw mismatch(field, value);
  const length = value.endsWith('==') ? value.length - 2 : value.length - Number(value.endsWith('='));
  const bytes = Buffer.from(value, 'base64');
  // What is no base64 is skipped in there, and is missed here.
  if (bytes.length !== Math.floor((length * 3) / 4) || length % 4 === 1)
    throw new JsonError(`illegal base64 data for ${field.name}`);
  return bytes;
}

/** Of every width and sign, as text or number. */
function integerOf(field: Field, value: unknown): unknown {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !/^-?\d{1,20}$/.test(text)) throw mismatch(field, value);
  const unsigned = field.type.startsWith('uint');
  const bits = field.type.endsWith('64') ? 64 : 32;
  const number = BigInt(text);
  const fits = (unsigned ? BigInt.asUintN(bits, number) : BigInt.asIntN(bits, number)) === number;
  if (!fits) throw mismatch(field, value);
  return bits === 32 ? Number(number) : text;
}

const mismatch = (field: Field, value: unknown): JsonError =>
  new JsonError(`cannot unmarshal ${kindOf(value)} into ${field.name}, which is ${field.type}`);

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' ? `number ${value}` : typeof value;
}

/** As Go names it: `etcdserverpb.RangeRequest_SortOrder`. */
function nameOf(type: Type | Enum): string {
  const names: string[] = [type.name];
  let { parent } = type;
  while (parent instanceof Type) {
    names.unshift(parent.name);
    ({ parent } = parent);
  }
  return `${parent?.fullName.slice(1) ?? ''}.${names.join('_')}`;
}
