import fc, { type Arbitrary } from 'fast-check';
import type protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { apiVersionOf, resources, type ObjectSchema, type Schema } from '@raftsman/api';
import { decodeProtobuf } from '../src/protobuf/body.js';
import { schemas } from '../src/protobuf/kinds.js';
import { contractOf, encodeBody, encodeObject, isEmbedded, isPointer, typeName } from './contracts.js';

/** All fields of a message as its JSON has them: those of embedded structs are its own. */
const fieldsOf = (type: protobuf.Type): readonly protobuf.Field[] =>
  type.fieldsArray.flatMap((field) =>
    isEmbedded(field) ? fieldsOf(field.resolvedType as protobuf.Type) : [field],
  );
const isKind = (schema: ObjectSchema): boolean => resources.some((each) => each.schema === schema);
/** A kind's own apiVersion and kind are in the envelope, not in its message. */
const propertiesOf = (schema: ObjectSchema): readonly (readonly [string, Schema])[] =>
  Object.entries(schema.properties)
    .filter(([name]) => !isKind(schema) || (name !== 'apiVersion' && name !== 'kind'))
    .map(([name, property]) => [name, property.schema]);

/** Both sides in the words of the contracts. */
const typeOf = (schema: Schema): string => {
  switch (schema.kind) {
    case 'array':
      return `repeated ${typeOf(schema.items)}`;
    case 'map':
      return `map ${typeOf(schema.values)}`;
    case 'object':
      return (schema.name ?? '').slice((schema.name ?? '').lastIndexOf('.') + 1);
    case 'lazy':
      return typeOf(schema.get());
    case 'string':
      return { 'date-time': 'Time', 'micro-time': 'MicroTime', byte: 'bytes', '': 'string' }[
        schema.format ?? ''
      ];
    case 'integer':
      return schema.format;
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'quantity':
      return 'Quantity';
    case 'int-or-string':
      return 'IntOrString';
    case 'any':
      return (schema.name ?? '').slice((schema.name ?? '').lastIndexOf('.') + 1);
  }
};
const fieldType = (field: protobuf.Field): string =>
  `${field.map ? 'map ' : field.repeated ? 'repeated ' : ''}${typeName(field)}`;

const objectsWithin = (schema: Schema, seen: Set<ObjectSchema>): Set<ObjectSchema> => {
  if (schema.kind === 'array') objectsWithin(schema.items, seen);
  if (schema.kind === 'map') objectsWithin(schema.values, seen);
  if (schema.kind === 'lazy') objectsWithin(schema.get(), seen);
  if (schema.kind === 'object' && !seen.has(schema)) {
    seen.add(schema);
    for (const { schema: each } of Object.values(schema.properties)) objectsWithin(each, seen);
  }
  return seen;
};
const entries = (pairs: readonly (readonly [string, string])[]): Record<string, string> =>
  Object.fromEntries(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)));

describe('the contracts and the schemas say the same', () => {
  const served = new Set<ObjectSchema>();
  for (const { schema } of resources) objectsWithin(schema, served);
  test.each([...served].map((schema) => [schema.name ?? '', schema] as const))('%s', (name, schema) => {
    const contract = entries(fieldsOf(contractOf(name)).map((field) => [field.name, fieldType(field)]));
    expect(contract).toEqual(entries(propertiesOf(schema).map(([field, each]) => [field, typeOf(each)])));
  });

  const others = new Set([...schemas.values()].flatMap((schema) => [...objectsWithin(schema, new Set())]));
  test.each([...others].filter((each) => !served.has(each)).map((each) => [each.name ?? '', each] as const))(
    '%s, as far as it is read',
    (name, schema) => {
      const contract = entries(fieldsOf(contractOf(name)).map((field) => [field.name, fieldType(field)]));
      expect(contract).toMatchObject(
        entries(propertiesOf(schema).map(([field, each]) => [field, typeOf(each)])),
      );
    },
  );
});

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const key = text.filter((each) => each !== '__proto__');
const seconds = fc.integer({ min: -62_135_596_799, max: 253_402_300_799 });
const rfc3339 = (at: number): string => new Date(at * 1_000).toISOString().slice(0, 19);

const stringOf = (schema: Schema & { readonly kind: 'string' }): Arbitrary<string> => {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.format) {
    case undefined:
      return text;
    case 'byte':
      return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64'));
    case 'date-time':
      return seconds.map((at) => `${rfc3339(at)}Z`);
    case 'micro-time':
      return fc
        .tuple(seconds, fc.integer({ min: 0, max: 999_999 }))
        .map(([at, micros]) => `${rfc3339(at)}.${String(micros).padStart(6, '0')}Z`);
  }
};

/** Any value of a schema: few fields at a time, so that their combinations stay small. */
const valueOf = (schema: Schema): Arbitrary<unknown> => {
  switch (schema.kind) {
    case 'string':
      return stringOf(schema);
    case 'integer':
      return schema.format === 'int32' ? fc.integer() : fc.maxSafeInteger();
    case 'number':
      return fc.double({ noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'quantity':
      return fc.nat().map((amount) => `${amount}m`);
    case 'int-or-string':
      return fc.oneof(fc.integer(), text);
    case 'any':
      return fc.dictionary(key, fc.constant({}), { maxKeys: 3 }).map((each) => ({ ...each }));
    case 'array':
      return fc.array(valueOf(schema.items), { minLength: 1, maxLength: 3 });
    case 'map':
      return fc
        .dictionary(key, valueOf(schema.values), { minKeys: 1, maxKeys: 3 })
        .map((each) => ({ ...each }));
    case 'lazy':
      return fc.constant(null).chain(() => valueOf(schema.get()));
    case 'object': {
      const properties = [...propertiesOf(schema)];
      return fc
        .subarray(properties, { maxLength: Math.min(5, properties.length) })
        .chain((some) => fc.record(Object.fromEntries(some.map(([name, each]) => [name, valueOf(each)]))))
        .map((each) => ({ ...each }));
    }
  }
};

/** What is left of a value when Go's zeros, which say nothing, are gone. */
const said = (schema: Schema, value: unknown): unknown => {
  if (schema.kind === 'array') return (value as unknown[]).map((each) => said(schema.items, each));
  if (schema.kind === 'lazy') return said(schema.get(), value);
  if (schema.kind === 'map') {
    return Object.fromEntries(
      Object.entries(value as object).map(([name, each]) => [name, said(schema.values, each)]),
    );
  }
  if (schema.kind !== 'object') return value;
  const fields = new Map(fieldsOf(contractOf(schema.name ?? '')).map((field) => [field.name, field]));
  const kept: [string, unknown][] = [];
  for (const [name, property] of Object.entries(schema.properties)) {
    const field = fields.get(name);
    if (field === undefined) continue;
    const each = (value as Record<string, unknown>)[name];
    const isScalar =
      !field.repeated && !field.map && /^(string|bool|int32|int64|bytes|IntOrString)$/.test(typeName(field));
    const written =
      each ??
      (isScalar && !isPointer(field) && typeName(field) !== 'IntOrString' ? zeroOf(field) : undefined);
    if (written === undefined) continue;
    const isZero = isScalar && (written === '' || written === 0 || written === false);
    if (!isZero || isPointer(field) || property.required) kept.push([name, said(property.schema, written)]);
  }
  return Object.fromEntries(kept);
};
const zeroOf = (field: protobuf.Field): unknown =>
  field.type === 'string' ? '' : field.type === 'bool' ? false : field.type === 'bytes' ? '' : 0;

describe('what is encoded by the contracts comes back as the JSON that it was', () => {
  test.each(resources.map((each) => [each.kind, each] as const))('%s', (kind, resource) => {
    const type = contractOf(resource.schema.name ?? '');
    const apiVersion = apiVersionOf(resource);
    fc.assert(
      fc.property(valueOf(resource.schema), (object) => {
        const body = encodeBody(apiVersion, kind, encodeObject(type, object as Record<string, unknown>));
        expect(decodeProtobuf(body)).toEqual({
          ...(said(resource.schema, object) as object),
          apiVersion,
          kind,
        });
      }),
      { numRuns: 100 },
    );
  });
});
