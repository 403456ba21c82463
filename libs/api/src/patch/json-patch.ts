import { FORBIDDEN_KEY } from '../decode/parsed.js';
import { limits } from '../limits.js';
import { badRequest, requestEntityTooLarge, unprocessable, type ApiError } from '../status/index.js';
import { deepEqual, isObject, jsonClone, measure, ownProperty } from '../values.js';

/**
 * RFC 6902. The document is changed in place and thrown away by the caller when an operation fails, so that a patch applies whole or not at all.
 * Bounded: operations, what copies and moves amount to, and the depth of the result.
 */

type Operation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: Pointer; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: Pointer }
  | { readonly op: 'move' | 'copy'; readonly path: Pointer; readonly from: Pointer };

interface Pointer {
  readonly text: string;
  readonly tokens: readonly string[];
}

const failed = (why: string): ApiError =>
  unprocessable(`the server rejected our request due to an error in our request: ${why}`);

const missing = (operation: Operation, path: Pointer): ApiError =>
  failed(`error in ${operation.op} for path: '${path.text}': the path does not exist`);

const parsePointer = (text: unknown, member: string): Pointer => {
  if (typeof text !== 'string')
    throw badRequest(`error decoding patch: an operation needs a string "${member}"`);
  if (text === '') return { text, tokens: [] };
  if (!text.startsWith('/') || /~(?![01])/.test(text)) {
    throw badRequest(`error decoding patch: ${JSON.stringify(text)} is not a JSON pointer`);
  }
  const tokens = text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (tokens.includes(FORBIDDEN_KEY)) throw failed(`the path '${text}' is not allowed`);
  return { text, tokens };
};

const parseOperation = (value: unknown): Operation => {
  if (!isObject(value)) throw badRequest('error decoding patch: an operation must be an object');
  const op = ownProperty(value, 'op');
  const path = parsePointer(ownProperty(value, 'path'), 'path');
  switch (op) {
    case 'add':
    case 'replace':
    case 'test':
      if (!Object.hasOwn(value, 'value')) {
        throw badRequest(`error decoding patch: operation "${op}" needs a "value"`);
      }
      return { op, path, value: value['value'] };
    case 'remove':
      return { op, path };
    case 'move':
    case 'copy':
      return { op, path, from: parsePointer(ownProperty(value, 'from'), 'from') };
    default:
      throw badRequest(`error decoding patch: unexpected kind of operation: ${JSON.stringify(op) ?? 'none'}`);
  }
};

const INDEX = /^(0|[1-9][0-9]{0,8})$/;

/** The value at a pointer, or undefined: JSON has no undefined, so that this says "nothing there". */
const valueAt = (document: unknown, tokens: readonly string[]): unknown => {
  let value = document;
  for (const token of tokens) {
    if (Array.isArray(value)) value = INDEX.test(token) ? (value[Number(token)] as unknown) : undefined;
    else value = isObject(value) ? ownProperty(value, token) : undefined;
  }
  return value;
};

/** One document under change. `root` is replaced when an operation's path is the empty pointer. */
interface Target {
  root: unknown;
  copiedCharacters: number;
}

const add = (target: Target, operation: Operation, value: unknown): void => {
  const { path } = operation;
  const token = path.tokens.at(-1);
  if (token === undefined) {
    target.root = value;
    return;
  }
  const parent = valueAt(target.root, path.tokens.slice(0, -1));
  if (Array.isArray(parent)) {
    if (token === '-') parent.push(value);
    else if (INDEX.test(token) && Number(token) <= parent.length) parent.splice(Number(token), 0, value);
    else throw failed(`error in ${operation.op} for path: '${path.text}': the index is out of bounds`);
  } else if (isObject(parent)) {
    parent[token] = value;
  } else {
    throw missing(operation, path);
  }
};

const remove = (target: Target, operation: Operation, path: Pointer): void => {
  const token = path.tokens.at(-1);
  if (token === undefined) throw failed(`error in ${operation.op}: the whole document cannot be removed`);
  if (valueAt(target.root, path.tokens) === undefined) throw missing(operation, path);
  const parent = valueAt(target.root, path.tokens.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(Number(token), 1);
  else if (isObject(parent)) delete parent[token];
};

/** The value that a move or copy takes, once it is known that the document stays within bounds. */
const source = (target: Target, operation: Operation & { readonly from: Pointer }): unknown => {
  const value = valueAt(target.root, operation.from.tokens);
  if (value === undefined) throw missing(operation, operation.from);
  const { size, depth } = measure(value, limits.depthMax);
  target.copiedCharacters += size;
  if (target.copiedCharacters > limits.jsonPatchCopiedMaxCharacters) {
    throw requestEntityTooLarge(
      `the copies and moves of a JSON patch may amount to ${limits.jsonPatchCopiedMaxCharacters} characters`,
    );
  }
  checkDepth(operation.path, depth);
  return value;
};

const checkDepth = (path: Pointer, depth: number): void => {
  if (path.tokens.length + depth > limits.depthMax) throw failed(`exceeded max depth of ${limits.depthMax}`);
};

const isProperPrefix = (prefix: Pointer, path: Pointer): boolean =>
  prefix.tokens.length < path.tokens.length &&
  prefix.tokens.every((token, index) => token === path.tokens[index]);

const apply = (target: Target, operation: Operation): void => {
  const { path } = operation;
  switch (operation.op) {
    case 'add':
    case 'replace': {
      checkDepth(path, measure(operation.value, limits.depthMax).depth);
      if (operation.op === 'replace') {
        if (valueAt(target.root, path.tokens) === undefined) throw missing(operation, path);
        if (path.tokens.length > 0) remove(target, operation, path);
      }
      add(target, operation, jsonClone(operation.value));
      return;
    }
    case 'remove':
      remove(target, operation, path);
      return;
    case 'test':
      if (!deepEqual(valueAt(target.root, path.tokens), operation.value)) {
        throw failed(`testing path '${path.text}' failed: the value is another`);
      }
      return;
    case 'copy':
      add(target, operation, jsonClone(source(target, operation)));
      return;
    case 'move': {
      if (isProperPrefix(operation.from, path)) {
        throw failed(`error in move for path: '${path.text}': a value cannot be moved into itself`);
      }
      const value = source(target, operation);
      if (operation.from.text === path.text) return;
      remove(target, operation, operation.from);
      add(target, operation, value);
      return;
    }
  }
};

/**
 * Throws 400 (not a JSON patch), 413 (too many operations, too much copied), 422 (an operation does not apply, a test fails).
 */
export const applyJsonPatch = (current: unknown, patch: unknown): unknown => {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: a JSON patch is a list of operations');
  if (patch.length > limits.jsonPatchOperationsMax) {
    throw requestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${limits.jsonPatchOperationsMax}, got ${patch.length}`,
    );
  }
  const operations = patch.map(parseOperation);
  const target: Target = { root: jsonClone(current), copiedCharacters: 0 };
  for (const operation of operations) apply(target, operation);
  return target.root;
};
