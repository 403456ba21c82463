import protobuf, { type Field } from 'protobufjs';
import { httpLimits } from './limits.js';

const { Enum, Reader, Type } = protobuf;
type Type = protobuf.Type;

/**
 * The JSON of a message in wire form, as grpc-gateway writes it: the contract's names, bytes in base64, 64-bit numbers as text, enumerations by
 * name, nothing that has its default. A large message comes in pieces, after each of which others may run.
 */
export function* writeJson(type: Type, bytes: Uint8Array): Generator<string> {
  if (bytes.length <= httpLimits.jsonSliceBytes) yield JSON.stringify(jsonOf(type, decode(type, bytes)));
  else yield* writeParts(type, bytes);
}

type Message = Readonly<Record<string, unknown>>;

const decode = (type: Type, bytes: Uint8Array): Message => type.decode(bytes) as unknown as Message;

function jsonOf(type: Type, message: Message): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    if (!Object.hasOwn(message, field.name)) continue;
    const value = message[field.name];
    if (field.repeated) {
      const list = value as readonly unknown[];
      if (list.length > 0) json[field.name] = list.map((element) => valueOf(field, element));
    } else if (field.partOf !== null || !isDefault(field, value)) json[field.name] = valueOf(field, value);
  }
  return json;
}

function valueOf(field: Field, value: unknown): unknown {
  const { resolvedType: type } = field;
  if (type instanceof Type) return jsonOf(type, value as Message);
  if (type instanceof Enum) return type.valuesById[value as number] ?? value;
  if (field.type === 'bytes') return Buffer.from(value as Uint8Array).toString('base64');
  if (field.type.endsWith('64')) return String(value);
  return value;
}

/** The zero of its type. A message that is there is none. */
function isDefault(field: Field, value: unknown): boolean {
  if (field.resolvedType instanceof Type) return false;
  if (field.type === 'bytes') return (value as Uint8Array).length === 0;
  if (field.type.endsWith('64')) return String(value) === '0';
  return value === 0 || value === '' || value === false;
}

/** Messages within are written one by one; what else there is in the message, together. */
function* writeParts(type: Type, bytes: Uint8Array): Generator<string> {
  const { parts, rest } = partsOf(type, bytes);
  const others = jsonOf(type, decode(type, rest));
  let before = '{';
  for (const field of type.fieldsArray) {
    const own = parts.get(field);
    if (own !== undefined) {
      yield `${before}${JSON.stringify(field.name)}:${field.repeated ? '[' : ''}`;
      for (const [index, part] of own.entries()) {
        if (index > 0) yield ',';
        yield* writeJson(field.resolvedType as Type, part);
      }
      if (field.repeated) yield ']';
    } else if (Object.hasOwn(others, field.name)) {
      yield `${before}${JSON.stringify(field.name)}:${JSON.stringify(others[field.name])}`;
    } else continue;
    before = ',';
  }
  yield before === '{' ? '{}' : '}';
}

interface Parts {
  /** Messages within, in order. */
  readonly parts: ReadonlyMap<Field, readonly Uint8Array[]>;
  /** All other fields. */
  readonly rest: Uint8Array;
}

function partsOf(type: Type, bytes: Uint8Array): Parts {
  const parts = new Map<Field, Uint8Array[]>();
  const rest: Uint8Array[] = [];
  const reader = Reader.create(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const field = type.fieldsById[tag >>> 3];
    if (field?.resolvedType instanceof Type && (tag & 7) === 2) {
      const part = reader.bytes();
      const own = parts.get(field);
      // Of a message that is not repeated, the last one counts.
      if (own === undefined || !field.repeated) parts.set(field, [part]);
      else own.push(part);
    } else {
      reader.skipType(tag & 7);
      rest.push(bytes.subarray(start, reader.pos));
    }
  }
  return { parts, rest: Buffer.concat(rest) };
}
