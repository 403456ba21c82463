/**
 * One description per type, from which everything else follows: the TypeScript type (`Infer`), field checks, defaults,
 * strategic merge patches, server-side apply's field ownership, and OpenAPI.
 *
 * Conventions: https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy for list and map types.
 */

export interface StringSchema<T extends string = string> {
  readonly kind: 'string';
  readonly enum?: readonly T[];
  /** `date-time`: RFC 3339 with seconds; `micro-time`: with microseconds; `byte`: base64. */
  readonly format?: 'date-time' | 'micro-time' | 'byte';
  readonly default?: T;
}
export interface IntegerSchema {
  readonly kind: 'integer';
  readonly format: 'int32' | 'int64';
  readonly default?: number;
}
export interface NumberSchema {
  readonly kind: 'number';
}
export interface BooleanSchema {
  readonly kind: 'boolean';
  readonly default?: boolean;
}
/** "100m", "1.5Gi", or a bare number. */
export interface QuantitySchema {
  readonly kind: 'quantity';
}
export interface IntOrStringSchema {
  readonly kind: 'int-or-string';
  readonly default?: number | string;
}
/** Anything, kept as it is. */
export interface AnySchema {
  readonly kind: 'any';
  /** As for objects. */
  readonly name?: string;
}
export interface ArraySchema<Items extends Schema = Schema> {
  readonly kind: 'array';
  readonly items: Items;
  /** x-kubernetes-list-type. */
  readonly listType: 'atomic' | 'set' | 'map';
  /** x-kubernetes-list-map-keys, for `map`. */
  readonly mapKeys?: readonly string[];
  /** x-kubernetes-patch-merge-key and -strategy of strategic merge patches; absent: replace. */
  readonly patchMergeKey?: string;
  readonly patchStrategy?: 'merge' | 'retainKeys';
}
export interface MapSchema<Values extends Schema = Schema> {
  readonly kind: 'map';
  readonly values: Values;
  /** x-kubernetes-map-type: atomic. */
  readonly atomic?: boolean;
}
export interface ObjectSchema<P extends Properties = Properties> {
  readonly kind: 'object';
  /** The definition's name in OpenAPI ("io.k8s.api.core.v1.PodSpec"); absent: written in place. */
  readonly name?: string;
  readonly properties: P;
  /** What `kubectl explain` says of it. */
  readonly description?: string;
  readonly atomic?: boolean;
  /** A union whose other members go when one is set, in strategic merge patches (deployment strategy, volumes). */
  readonly patchStrategy?: 'retainKeys';
}

/** For a type that contains itself. */
export interface LazySchema<T = unknown> {
  readonly kind: 'lazy';
  readonly get: () => Schema;
  readonly of?: T;
}

export type Schema =
  | StringSchema
  | IntegerSchema
  | NumberSchema
  | BooleanSchema
  | QuantitySchema
  | IntOrStringSchema
  | AnySchema
  | ArraySchema
  | MapSchema
  | ObjectSchema
  | LazySchema;

export interface Property<S extends Schema = Schema, R extends boolean = boolean> {
  readonly schema: S;
  readonly required: R;
  readonly description?: string;
}
export type Properties = { readonly [name: string]: Property };

type RequiredKeys<P extends Properties> = {
  [K in keyof P]: P[K] extends Property<Schema, true> ? K : never;
}[keyof P];
type OptionalKeys<P extends Properties> = Exclude<keyof P, RequiredKeys<P>>;
type Simplify<T> = { [K in keyof T]: T[K] };

/** The TypeScript type of the values that a schema describes. */
export type Infer<S> =
  S extends StringSchema<infer T>
    ? T
    : S extends IntegerSchema | NumberSchema
      ? number
      : S extends BooleanSchema
        ? boolean
        : S extends QuantitySchema | IntOrStringSchema
          ? string | number
          : S extends ArraySchema<infer I>
            ? Infer<I>[]
            : S extends MapSchema<infer V>
              ? { [key: string]: Infer<V> }
              : S extends ObjectSchema<infer P>
                ? Simplify<
                    { [K in RequiredKeys<P>]: Infer<P[K]['schema']> } & {
                      [K in OptionalKeys<P>]?: Infer<P[K]['schema']>;
                    }
                  >
                : S extends LazySchema<infer T>
                  ? T
                  : unknown;

export const str = (rest: Omit<StringSchema, 'kind' | 'enum'> = {}): StringSchema => ({
  kind: 'string',
  ...rest,
});
export const oneOf = <const T extends string>(
  values: readonly T[],
  rest: { readonly default?: NoInfer<T> } = {},
): StringSchema<T> => ({
  kind: 'string',
  enum: values,
  ...rest,
});
export const time = (): StringSchema => ({ kind: 'string', format: 'date-time' });
export const microTime = (): StringSchema => ({ kind: 'string', format: 'micro-time' });
export const bytes = (): StringSchema => ({ kind: 'string', format: 'byte' });
export const int32 = (rest: { readonly default?: number } = {}): IntegerSchema => ({
  kind: 'integer',
  format: 'int32',
  ...rest,
});
export const int64 = (rest: { readonly default?: number } = {}): IntegerSchema => ({
  kind: 'integer',
  format: 'int64',
  ...rest,
});
export const bool = (rest: { readonly default?: boolean } = {}): BooleanSchema => ({
  kind: 'boolean',
  ...rest,
});
export const quantity = (): QuantitySchema => ({ kind: 'quantity' });
export const intOrString = (rest: { readonly default?: number | string } = {}): IntOrStringSchema => ({
  kind: 'int-or-string',
  ...rest,
});
export const any = (rest: { readonly name?: string } = {}): AnySchema => ({ kind: 'any', ...rest });

/** Replaced whole by an apply and, without a `patchMergeKey`, by a strategic merge patch. */
export const atomicList = <I extends Schema>(
  items: I,
  rest: { readonly patchMergeKey?: string } = {},
): ArraySchema<I> => ({
  kind: 'array',
  items,
  listType: 'atomic',
  ...(rest.patchMergeKey === undefined ? {} : { ...rest, patchStrategy: 'merge' }),
});
/** Scalars, each at most once; `merge`: a strategic merge patch adds to it. */
export const setList = <I extends Schema>(
  items: I,
  rest: { readonly patchStrategy?: 'merge' } = {},
): ArraySchema<I> => ({
  kind: 'array',
  items,
  listType: 'set',
  ...rest,
});
/** Objects told apart by `keys`. The strategic merge patch goes by `patchMergeKey` (the first key unless given; null: replaces). */
export const mapList = <I extends Schema>(
  items: I,
  keys: readonly string[],
  rest: { readonly patchMergeKey?: string | null; readonly patchStrategy?: 'merge' | 'retainKeys' } = {},
): ArraySchema<I> => {
  const { patchMergeKey = keys[0] ?? null, patchStrategy = 'merge' } = rest;
  return {
    kind: 'array',
    items,
    listType: 'map',
    mapKeys: keys,
    ...(patchMergeKey === null ? {} : { patchMergeKey, patchStrategy }),
  };
};
export const map = <V extends Schema>(values: V, rest: { readonly atomic?: boolean } = {}): MapSchema<V> => ({
  kind: 'map',
  values,
  ...rest,
});

/** A required property. */
export const req = <S extends Schema>(schema: S, description?: string): Property<S, true> => ({
  schema,
  required: true,
  ...(description === undefined ? {} : { description }),
});
/** An optional property. */
export const opt = <S extends Schema>(schema: S, description?: string): Property<S, false> => ({
  schema,
  required: false,
  ...(description === undefined ? {} : { description }),
});
export const obj = <const P extends Properties>(
  properties: P,
  rest: Omit<ObjectSchema, 'kind' | 'properties'> = {},
): ObjectSchema<P> => ({ kind: 'object', properties, ...rest });
