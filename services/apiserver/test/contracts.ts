import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { protoRoot } from '@raftsman/proto';

const { nested } = createRequire(import.meta.url)('protobufjs/google/protobuf/descriptor.json') as {
  nested: { google: { nested: object } };
};
protobuf.common('descriptor', nested.google.nested);

const root = new protobuf.Root();
root.resolvePath = (_, target) => join(protoRoot, target);
root.loadSync(
  readdirSync(join(protoRoot, 'kubernetes'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.proto'))
    .map((file) => `kubernetes/${file}`),
  { keepCase: true },
);
root.resolveAll();

/** The contract's message, by its name in OpenAPI: `io.k8s.api.core.v1.Pod`. */
export const contractOf = (name: string): protobuf.Type =>
  root.lookupType(name.replace(/^io\.k8s/, 'k8s.io'));

export const isPointer = (field: protobuf.Field): boolean => field.options?.['(go.pointer)'] === true;
export const isEmbedded = (field: protobuf.Field): boolean => field.options?.['(go.embedded)'] === true;

/** The last part of the name of a field's message; of a scalar, its type. */
export const typeName = (field: protobuf.Field): string => field.resolvedType?.name ?? field.type;

type Json = { readonly [name: string]: unknown };

/** An object as Go's clients encode it: what is no pointer is written even where it is zero. */
export function encodeObject(type: protobuf.Type, object: Json): Uint8Array {
  return type.encode(type.create(messageOf(type, object) as Record<string, unknown>)).finish();
}

/** The bytes of a request: the magic and runtime.Unknown. */
export function encodeBody(apiVersion: string, kind: string, raw: Uint8Array): Buffer {
  const unknown = contractOf('io.k8s.apimachinery.pkg.runtime.Unknown');
  const envelope = unknown.encode({
    typeMeta: { apiVersion, kind },
    raw,
    contentEncoding: '',
    contentType: '',
  });
  return Buffer.concat([Buffer.from('k8s\0'), envelope.finish()]);
}

function messageOf(type: protobuf.Type, object: Json): Json {
  const message: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const value = object[field.name];
    if (isEmbedded(field)) message[field.name] = messageOf(field.resolvedType as protobuf.Type, object);
    else if (value !== undefined) message[field.name] = fieldValue(field, value);
    else if (!field.repeated && !field.map && field.resolvedType === null && !isPointer(field)) {
      message[field.name] = field.type === 'string' ? '' : field.type === 'bool' ? false : 0;
    }
  }
  return message;
}

function fieldValue(field: protobuf.Field, value: unknown): unknown {
  if (field.map) {
    return Object.fromEntries(Object.entries(value as Json).map(([key, each]) => [key, single(field, each)]));
  }
  return field.repeated ? (value as unknown[]).map((each) => single(field, each)) : single(field, value);
}

function single(field: protobuf.Field, value: unknown): unknown {
  switch (typeName(field)) {
    case 'Time':
    case 'MicroTime': {
      const [whole = '', fraction = '0'] = String(value).replace('Z', '').split('.');
      return { seconds: Date.parse(`${whole}Z`) / 1_000, nanos: Number(fraction.padEnd(9, '0')) };
    }
    case 'Quantity':
      return { string: value };
    case 'IntOrString':
      return typeof value === 'number'
        ? { type: 0, intVal: value, strVal: '' }
        : { type: 1, intVal: 0, strVal: value };
    case 'FieldsV1':
      return { Raw: Buffer.from(JSON.stringify(value)) };
    case 'bytes':
      return Buffer.from(String(value), 'base64');
    default:
      return field.resolvedType instanceof protobuf.Type
        ? messageOf(field.resolvedType, value as Json)
        : value;
  }
}
