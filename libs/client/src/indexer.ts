import { strict as assert } from 'node:assert';
import { keyOf, type ObjectLike, type Stored } from './types.js';

/** The values under which an object is found; none: not found there. */
export type IndexFunction<T> = (object: Stored<T>) => readonly string[];
export type Indexes<T> = Readonly<Record<string, IndexFunction<T>>>;

/** Read-only view of a cache. Objects are shared by all readers: never change one. */
export interface Lister<T extends ObjectLike> {
  get(key: string): Stored<T> | undefined;
  list(): Stored<T>[];
  /** Objects whose index function answered `value`. */
  by(index: string, value: string): Stored<T>[];
  readonly size: number;
}

/**
 * Objects by key and by index.
 * Invariant: an object is under a value of an index exactly if the index function answers that value for it.
 */
export class Indexer<T extends ObjectLike> implements Lister<T> {
  readonly #objects = new Map<string, Stored<T>>();
  readonly #functions: Indexes<T>;
  readonly #keys = new Map<string, Map<string, Set<string>>>();

  constructor(functions: Indexes<T> = {}) {
    this.#functions = functions;
    for (const name of Object.keys(functions)) this.#keys.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): Stored<T> | undefined {
    return this.#objects.get(key);
  }

  list(): Stored<T>[] {
    return [...this.#objects.values()];
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  by(index: string, value: string): Stored<T>[] {
    const values = this.#keys.get(index);
    assert(values !== undefined, `no index ${index}`);
    return [...(values.get(value) ?? [])].map((key) => this.#objects.get(key)!);
  }

  /** Answers what was there before. */
  put(object: Stored<T>): Stored<T> | undefined {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before !== undefined) this.#unindex(key, before);
    this.#objects.set(key, object);
    for (const [name, valuesOf] of Object.entries(this.#functions)) {
      const values = this.#keys.get(name)!;
      for (const value of valuesOf(object)) {
        const keys = values.get(value);
        if (keys === undefined) values.set(value, new Set([key]));
        else keys.add(key);
      }
    }
    return before;
  }

  remove(key: string): Stored<T> | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#unindex(key, before);
    this.#objects.delete(key);
    return before;
  }

  #unindex(key: string, object: Stored<T>): void {
    for (const [name, valuesOf] of Object.entries(this.#functions)) {
      const values = this.#keys.get(name)!;
      for (const value of valuesOf(object)) {
        const keys = values.get(value);
        keys?.delete(key);
        if (keys?.size === 0) values.delete(value);
      }
    }
  }
}

export const byNamespace = (object: Stored<ObjectLike>): readonly string[] => [
  object.metadata.namespace ?? '',
];

/** The uid of the one owner that manages the object. */
export const byControllerUid = (object: Stored<ObjectLike>): readonly string[] => {
  const owner = object.metadata.ownerReferences?.find((each) => each.controller === true);
  return owner === undefined ? [] : [owner.uid];
};

export const byOwnerUid = (object: Stored<ObjectLike>): readonly string[] =>
  (object.metadata.ownerReferences ?? []).map((owner) => owner.uid);

export const byLabel =
  (label: string) =>
  (object: Stored<ObjectLike>): readonly string[] => {
    const value = object.metadata.labels?.[label];
    return value === undefined ? [] : [`${object.metadata.namespace ?? ''}/${value}`];
  };

/** Pods by the node they are bound to. */
export const byNode = (
  object: Stored<ObjectLike & { spec?: { nodeName?: string } | undefined }>,
): readonly string[] => {
  const node = object.spec?.nodeName ?? '';
  return node === '' ? [] : [node];
};
