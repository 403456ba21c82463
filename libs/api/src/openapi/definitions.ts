import { listMeta } from '../kinds/meta.js';
import type { Resource } from '../resource.js';
import type { ArraySchema, ObjectSchema, Property, Schema } from '../schema.js';

export type Json = { readonly [key: string]: unknown };

/** What OpenAPI 2 and 3 write differently. */
export interface Dialect {
  readonly refPrefix: string;
  readonly quantity: Json;
  readonly intOrString: Json;
  /** Whether enumerations are told, which Kubernetes does in version 3 only. */
  readonly enums: boolean;
  /** Version 3 knows no siblings of `$ref`: they stand beside an `allOf`. */
  readonly refSiblings: boolean;
}

export const v2: Dialect = {
  refPrefix: '#/definitions/',
  quantity: { type: 'string' },
  intOrString: { type: 'string', format: 'int-or-string' },
  enums: false,
  refSiblings: true,
};
export const v3: Dialect = {
  refPrefix: '#/components/schemas/',
  quantity: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  intOrString: { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' },
  enums: true,
  refSiblings: false,
};

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const names = {
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  time: `${meta}.Time`,
  microTime: `${meta}.MicroTime`,
} as const;

/** `x-kubernetes-group-version-kind`, by which clients find a kind's definition and its operations. */
export const groupVersionKind = ({ group, version, kind }: Resource): Json => ({ group, kind, version });

/** The definitions that a document refers to, each once, gathered while its parts are described. */
export class Definitions {
  readonly #byName = new Map<string, Json>();
  readonly #dialect: Dialect;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  get all(): { readonly [name: string]: Json } {
    return Object.fromEntries([...this.#byName].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** A reference to `name`, defined by `describe` unless it is already. */
  refer(name: string, describe: () => Json): Json {
    if (!this.#byName.has(name)) {
      // Taken before it is described, so that a type may contain itself.
      this.#byName.set(name, {});
      this.#byName.set(name, describe());
    }
    return { $ref: `${this.#dialect.refPrefix}${name}` };
  }

  kind(resource: Resource): Json {
    const { schema } = resource;
    return this.refer(schema.name ?? resource.kind, () => ({
      ...this.#object(schema),
      'x-kubernetes-group-version-kind': [groupVersionKind(resource)],
    }));
  }

  list(resource: Resource): Json {
    const kind = `${resource.kind}List`;
    return this.refer(`${resource.schema.name}List`, () => ({
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { type: 'string' },
        items: { type: 'array', items: this.kind(resource) },
        kind: { type: 'string' },
        metadata: this.#schema(listMeta),
      },
      'x-kubernetes-group-version-kind': [groupVersionKind({ ...resource, kind })],
    }));
  }

  #schema(schema: Schema): Json {
    switch (schema.kind) {
      case 'string':
        return this.#string(schema.format, schema.enum);
      case 'integer':
        return { type: 'integer', format: schema.format };
      case 'number':
        return { type: 'number', format: 'double' };
      case 'boolean':
        return { type: 'boolean' };
      case 'quantity':
        return this.refer(names.quantity, () => this.#dialect.quantity);
      case 'int-or-string':
        return this.refer(names.intOrString, () => this.#dialect.intOrString);
      case 'any':
        return schema.name === undefined
          ? { type: 'object' }
          : this.refer(schema.name, () => ({ type: 'object' }));
      case 'array':
        return { type: 'array', items: this.#schema(schema.items), ...listExtensions(schema) };
      case 'map':
        return {
          type: 'object',
          additionalProperties: this.#schema(schema.values),
          ...(schema.atomic === true ? { 'x-kubernetes-map-type': 'atomic' } : {}),
        };
      case 'object':
        return schema.name === undefined
          ? this.#object(schema)
          : this.refer(schema.name, () => this.#object(schema));
      case 'lazy':
        return this.#schema(schema.get());
    }
  }

  #string(format: 'date-time' | 'micro-time' | 'byte' | undefined, values?: readonly string[]): Json {
    const time = { type: 'string', format: 'date-time' };
    if (format === 'date-time') return this.refer(names.time, () => time);
    if (format === 'micro-time') return this.refer(names.microTime, () => time);
    return {
      type: 'string',
      ...(format === undefined ? {} : { format }),
      ...(values === undefined || !this.#dialect.enums ? {} : { enum: values.toSorted() }),
    };
  }

  #object({ properties, atomic, description }: ObjectSchema): Json {
    const entries = Object.entries(properties);
    const required = entries.filter(([, property]) => property.required).map(([field]) => field);
    return {
      ...(description === undefined ? {} : { description }),
      type: 'object',
      ...(entries.length === 0
        ? {}
        : {
            properties: Object.fromEntries(
              entries.map(([field, property]) => [field, this.#property(property)]),
            ),
          }),
      ...(required.length === 0 ? {} : { required: required.toSorted() }),
      ...(atomic === true ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    };
  }

  #property({ schema, description }: Property): Json {
    const described = this.#schema(schema);
    const beside = {
      ...(description === undefined ? {} : { description }),
      ...(schema.kind === 'object' && schema.patchStrategy !== undefined
        ? { 'x-kubernetes-patch-strategy': schema.patchStrategy }
        : {}),
    };
    const isBareRef = '$ref' in described && Object.keys(beside).length > 0 && !this.#dialect.refSiblings;
    return isBareRef ? { allOf: [described], ...beside } : { ...described, ...beside };
  }
}

const listExtensions = ({ listType, mapKeys, patchMergeKey, patchStrategy }: ArraySchema): Json => ({
  'x-kubernetes-list-type': listType,
  ...(mapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': mapKeys }),
  ...(patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': patchMergeKey }),
  ...(patchStrategy === undefined
    ? {}
    : {
        'x-kubernetes-patch-strategy': patchStrategy === 'retainKeys' ? 'merge,retainKeys' : patchStrategy,
      }),
});
