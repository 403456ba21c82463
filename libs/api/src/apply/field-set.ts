import { isObject } from '../values.js';
import { comparePathElements, parsePathElement, type PathElement } from './path-element.js';

/**
 * A set of paths as a tree. Invariants: 1. the root is no member, since nobody owns a whole object; 2. no child is empty.
 * The operations go by exact paths: that a parent is a member says nothing of its children.
 */
export interface FieldSet {
  readonly member: boolean;
  readonly children: ReadonlyMap<PathElement, FieldSet>;
}

export const emptyFieldSet: FieldSet = { member: false, children: new Map() };

export const isEmptySet = (set: FieldSet): boolean => !set.member && set.children.size === 0;

interface Node {
  member: boolean;
  readonly children: Map<PathElement, Node>;
}

/** Collects paths; the set may be read when all are in. */
export class FieldSetBuilder {
  readonly #root: Node = { member: false, children: new Map() };

  add(path: readonly PathElement[]): void {
    if (path.length === 0) return;
    let node = this.#root;
    for (const element of path) {
      let child = node.children.get(element);
      if (child === undefined) {
        child = { member: false, children: new Map() };
        node.children.set(element, child);
      }
      node = child;
    }
    node.member = true;
  }

  get set(): FieldSet {
    return this.#root;
  }
}

export const fieldSetOfPaths = (paths: Iterable<readonly PathElement[]>): FieldSet => {
  const builder = new FieldSetBuilder();
  for (const path of paths) builder.add(path);
  return builder.set;
};

export const union = (left: FieldSet, right: FieldSet): FieldSet => {
  if (isEmptySet(left)) return right;
  if (isEmptySet(right)) return left;
  const children = new Map(left.children);
  for (const [element, child] of right.children) {
    children.set(element, union(left.children.get(element) ?? emptyFieldSet, child));
  }
  return { member: left.member || right.member, children };
};

export const intersection = (left: FieldSet, right: FieldSet): FieldSet => {
  const children = new Map<PathElement, FieldSet>();
  for (const [element, child] of left.children) {
    const common = intersection(child, right.children.get(element) ?? emptyFieldSet);
    if (!isEmptySet(common)) children.set(element, common);
  }
  return { member: left.member && right.member, children };
};

/** `left` without what `remove` takes from each of its children that `right` has too; `left` itself if that is nothing. */
const withoutChildren = (
  left: FieldSet,
  right: FieldSet,
  member: boolean,
  remove: (child: FieldSet, other: FieldSet) => FieldSet,
): FieldSet => {
  let children: Map<PathElement, FieldSet> | undefined;
  for (const [element, other] of right.children) {
    const child = left.children.get(element);
    if (child === undefined) continue;
    const rest = remove(child, other);
    if (rest === child) continue;
    children ??= new Map(left.children);
    if (isEmptySet(rest)) children.delete(element);
    else children.set(element, rest);
  }
  return children === undefined && member === left.member
    ? left
    : { member, children: children ?? left.children };
};

/** What is left alone is shared: a set from which nothing goes comes back as the same object. */
export const difference = (left: FieldSet, right: FieldSet): FieldSet =>
  withoutChildren(left, right, left.member && !right.member, difference);

/** As `difference`, but with a member of `right` everything below it goes too. */
export const recursiveDifference = (left: FieldSet, right: FieldSet): FieldSet =>
  withoutChildren(left, right, left.member, (child, other) =>
    other.member ? emptyFieldSet : recursiveDifference(child, other),
  );

/** The members, parents before children, in Kubernetes' order. */
export function* pathsOf(
  set: FieldSet,
  prefix: readonly PathElement[] = [],
): Generator<readonly PathElement[]> {
  if (set.member) yield prefix;
  for (const element of [...set.children.keys()].toSorted(comparePathElements)) {
    yield* pathsOf(set.children.get(element) ?? emptyFieldSet, [...prefix, element]);
  }
}

export const sameSet = (left: FieldSet, right: FieldSet): boolean =>
  left.member === right.member &&
  left.children.size === right.children.size &&
  [...left.children].every(([element, child]) => {
    const other = right.children.get(element);
    return other !== undefined && sameSet(child, other);
  });

/** A set as JSON: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/ (FieldsV1) */
export type FieldsV1 = { [element: string]: FieldsV1 };

/** `.` marks a member that has children; without children a member is `{}`. */
export const encodeFieldsV1 = (set: FieldSet): FieldsV1 => {
  const fields: FieldsV1 = {};
  if (set.member && set.children.size > 0) fields['.'] = {};
  for (const element of [...set.children.keys()].toSorted(comparePathElements)) {
    fields[element] = encodeFieldsV1(set.children.get(element) ?? emptyFieldSet);
  }
  return fields;
};

/** Undefined for what is no fieldsV1. */
export const decodeFieldsV1 = (fields: unknown): FieldSet | undefined => {
  const set = decodeNode(fields);
  return set === undefined ? undefined : { member: false, children: set.children };
};

const decodeNode = (fields: unknown): FieldSet | undefined => {
  if (!isObject(fields)) return undefined;
  const children = new Map<PathElement, FieldSet>();
  const names = Object.keys(fields);
  for (const name of names) {
    if (name === '.') continue;
    const element = parsePathElement(name);
    const child = decodeNode(fields[name]);
    if (element === undefined || child === undefined) return undefined;
    children.set(element, child);
  }
  return { member: names.length === 0 || names.includes('.'), children };
};
