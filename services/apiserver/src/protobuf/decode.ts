import { isUtf8 } from 'node:buffer';
import {
  ownProperty,
  decodeBody,
  mediaTypes,
  type JsonObject,
  type JsonValue,
  type MapSchema,
  type ObjectSchema,
  type Property,
  type Schema,
} from '@raftsman/api';
import { fieldsOf, type Field } from './fields.js';
import { decodeIntOrString, decodeTime } from './scalars.js';
import { WireError, type WireReader } from './wire.js';

/**
 * The JSON that a message stands for, by its kind's schema. Fields that the schema does not know are passed over, as Kubernetes does with protobuf.
 * Throws WireError, and ApiError for JSON within that does not parse.
 */
export function decodeMessage(schema: ObjectSchema, reader: WireReader): JsonObject {
  const object: JsonObject = {};
  decodeInto(object, schema, schema.name ?? '', reader);
  return object;
}

function decodeInto(object: JsonObject, schema: ObjectSchema, type: string, reader: WireReader): void {
  const fields = fieldsOf(type);
  while (reader.next()) {
    const field = fields.get(reader.number);
    const property = field === undefined ? undefined : ownProperty(schema.properties, field.name);
    if (field?.embedded === true) decodeInto(object, schema, field.name, reader.message(field.name));
    else if (field === undefined || property === undefined) reader.skip();
    else decodeField(object, field, property as Property, reader);
  }
}

function decodeField(
  object: JsonObject,
  { name, pointer }: Field,
  { schema, required }: Property,
  reader: WireReader,
): void {
  if (schema.kind === 'array') {
    const list = (object[name] ??= []) as JsonValue[];
    if (schema.items.kind === 'integer') for (const each of reader.integers(name)) list.push(each);
    else list.push(decodeValue(schema.items, name, reader) ?? null);
  } else if (schema.kind === 'map') {
    const map = (object[name] ??= {}) as JsonObject;
    const [key, value] = decodeEntry(schema, name, reader.message(name));
    map[key] = value;
  } else {
    const value = decodeValue(schema, name, reader);
    if (value !== undefined && (pointer || required || !isZero(value))) object[name] = value;
  }
}

const isZero = (value: JsonValue): boolean => value === '' || value === 0 || value === false;

function decodeEntry(schema: MapSchema, name: string, entry: WireReader): readonly [string, JsonValue] {
  let key = '';
  let value: JsonValue | undefined;
  while (entry.next()) {
    if (entry.number === 1) key = textOf(entry.bytes(name), name);
    else if (entry.number === 2) value = decodeValue(schema.values, name, entry);
    else entry.skip();
  }
  // As in JSON: assigning to it would change the object's prototype.
  if (key === '__proto__') throw new WireError(`the key ${JSON.stringify(key)} is not allowed`);
  return [key, value ?? ''];
}

/** undefined: Go's way of saying nothing. */
function decodeValue(schema: Schema, name: string, reader: WireReader): JsonValue | undefined {
  switch (schema.kind) {
    case 'string':
      return decodeString(schema.format, name, reader);
    case 'integer':
      return reader.integer(name);
    case 'boolean':
      return reader.integer(name) !== 0;
    case 'number':
      return reader.double(name);
    case 'quantity':
      return textOf(innerBytes(reader.message(name), name), name);
    case 'int-or-string':
      return decodeIntOrString(reader.message(name));
    case 'object':
      return decodeMessage(schema, reader.message(name));
    case 'lazy':
      return decodeValue(schema.get(), name, reader);
    case 'any':
      return decodeRaw(innerBytes(reader.message(name), name));
    case 'array':
    case 'map':
      throw new TypeError(`${name}: Kubernetes' protobuf has no lists of lists`);
  }
}

function decodeString(
  format: 'date-time' | 'micro-time' | 'byte' | undefined,
  name: string,
  reader: WireReader,
): string | undefined {
  switch (format) {
    case undefined:
      return textOf(reader.bytes(name), name);
    case 'byte':
      return reader.bytes(name).toString('base64');
    case 'date-time':
    case 'micro-time':
      return decodeTime(format, reader.message(name));
  }
}

function textOf(bytes: Buffer, name: string): string {
  if (!isUtf8(bytes)) throw new WireError(`proto: field ${name} contains invalid UTF-8`);
  return bytes.toString('utf8');
}

/** The content of a message whose only field, a string or bytes, is its first: Quantity, FieldsV1. */
function innerBytes(reader: WireReader, name: string): Buffer {
  let content: Buffer = Buffer.alloc(0);
  while (reader.next()) {
    if (reader.number === 1) content = reader.bytes(name);
    else reader.skip();
  }
  return content;
}

/** JSON within protobuf. */
const decodeRaw = (json: Buffer): JsonValue | undefined =>
  json.length === 0 ? undefined : decodeBody(json, mediaTypes.json).value;
