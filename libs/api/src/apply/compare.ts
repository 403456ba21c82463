import type { ArraySchema, MapSchema, ObjectSchema, Schema } from '../schema.js';
import { fieldOf } from '../schema-walk.js';
import { deepEqual, isObject, ownProperty } from '../values.js';
import { FieldSetBuilder, type FieldSet } from './field-set.js';
import { fieldElement, type PathElement } from './path-element.js';
import { isNamedField, itemsByElement, structureOf } from './structure.js';

/** What became of one object in another. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** `undefined` on either side: nothing there. */
export const compare = (before: unknown, after: unknown, schema: Schema): Comparison => {
  const walk = new Walk();
  walk.value(before, after, schema, [], false);
  return { added: walk.added.set, modified: walk.modified.set, removed: walk.removed.set };
};

const isEmptyObject = (value: unknown): boolean =>
  value === undefined || (isObject(value) && Object.keys(value).length === 0);
const isEmptyList = (value: unknown): boolean =>
  value === undefined || (Array.isArray(value) && value.length === 0);

/** `spec` and `metadata`, and structs that their type requires. */
const isAlwaysThere = (schema: ObjectSchema | MapSchema, name: string, depth: number): boolean => {
  if (schema.kind !== 'object' || !isNamedField(schema, name)) return false;
  const structure = structureOf(fieldOf(schema, name));
  const isStruct = structure.kind === 'fields' && structure.schema.kind === 'object';
  return isStruct && (depth === 0 || schema.properties[name]?.required === true);
};

class Walk {
  readonly added = new FieldSetBuilder();
  readonly modified = new FieldSetBuilder();
  readonly removed = new FieldSetBuilder();

  /** `always`: the struct is there in every object of the kind, so that nobody adds it. */
  value(
    before: unknown,
    after: unknown,
    schema: Schema,
    path: readonly PathElement[],
    always: boolean,
  ): void {
    // The great parts are compared as one first: mostly, one of spec and status is as it was.
    if (path.length === 1 && deepEqual(before, after)) return;
    const structure = structureOf(schema);
    const hasFields = (value: unknown): boolean => value === undefined || isObject(value);
    const hasItems = (value: unknown): boolean => value === undefined || Array.isArray(value);
    // What is empty on both sides is a leaf, so that an empty object that is set has an owner.
    if (structure.kind === 'fields' && hasFields(before) && hasFields(after)) {
      if (isEmptyObject(before) && isEmptyObject(after)) this.#leaf(before, after, path);
      else this.#fields(before, after, structure.schema, path, always);
    } else if (structure.kind === 'items' && hasItems(before) && hasItems(after)) {
      if (isEmptyList(before) && isEmptyList(after)) this.#leaf(before, after, path);
      else this.#items(before, after, structure.schema, path);
    } else {
      this.#leaf(before, after, path);
    }
  }

  #leaf(before: unknown, after: unknown, path: readonly PathElement[]): void {
    if (before === undefined && after === undefined) return;
    if (before === undefined) this.added.add(path);
    else if (after === undefined) this.removed.add(path);
    else if (!deepEqual(before, after)) this.modified.add(path);
  }

  #fields(
    before: unknown,
    after: unknown,
    schema: ObjectSchema | MapSchema,
    path: readonly PathElement[],
    always: boolean,
  ): void {
    const left = isObject(before) ? before : {};
    const right = isObject(after) ? after : {};
    for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
      this.value(
        ownProperty(left, name),
        ownProperty(right, name),
        fieldOf(schema, name),
        [...path, fieldElement(name)],
        isAlwaysThere(schema, name, path.length),
      );
    }
    this.#whole(before, after, path, always);
  }

  #items(before: unknown, after: unknown, schema: ArraySchema, path: readonly PathElement[]): void {
    const left = itemsByElement(before, schema);
    const right = itemsByElement(after, schema);
    for (const element of new Set([...left.keys(), ...right.keys()])) {
      const mine = left.get(element) ?? [];
      const theirs = right.get(element) ?? [];
      const at = [...path, element];
      if (mine.length <= 1 && theirs.length <= 1) this.value(mine[0], theirs[0], schema.items, at, false);
      // Duplicates cannot be told apart: together they are one leaf.
      else if (mine.length === 0) this.added.add(at);
      else if (theirs.length === 0) this.removed.add(at);
      else if (!deepEqual(mine, theirs)) this.modified.add(at);
    }
    this.#whole(before, after, path, false);
  }

  #whole(before: unknown, after: unknown, path: readonly PathElement[], always: boolean): void {
    if (before === undefined && !always) this.added.add(path);
    if (after === undefined) this.removed.add(path);
  }
}
