import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { limits } from '../limits.js';
import type { JsonValue } from '../values.js';
import { parseJson } from './json.js';
import { yamlNestsTooDeep } from './yaml-nesting.js';
import { FORBIDDEN_KEY, forbiddenKeyMessage, unparsed, type Parsed } from './parsed.js';

/**
 * One YAML document. What is JSON (as kubectl sends it, under YAML's name too) is read as JSON, which is faster by two orders.
 * Numbers, booleans and null are YAML 1.2's: `yes` and `on` are strings.
 */
export const parseYaml = (text: string): Parsed => {
  if (/^\s*\{/.test(text)) {
    const parsed = parseJson(text);
    if (parsed.ok) return parsed;
  }
  if (text.length > limits.yamlSizeMaxBytes) {
    return unparsed(
      `a YAML document may not be longer than ${limits.yamlSizeMaxBytes} bytes; send JSON instead`,
    );
  }
  try {
    return read(text);
  } catch (error) {
    return unparsed(error instanceof Error ? firstLine(error.message) : String(error));
  }
};

const firstLine = (message: string): string => message.split('\n', 1).join('').replace(/:$/, '');

const tooDeep = `exceeded max depth of ${limits.depthMax}`;

const read = (text: string): Parsed => {
  if (yamlNestsTooDeep(text)) return unparsed(tooDeep);
  const lines = new LineCounter();
  // uniqueKeys compares every key with every other: here a set per map does it, in `inspect`.
  const document = parseDocument(text, {
    uniqueKeys: false,
    stringKeys: true,
    merge: true,
    logLevel: 'error',
    prettyErrors: false,
    lineCounter: lines,
  });
  const [first] = document.errors;
  if (first !== undefined) {
    return unparsed(`line ${lines.linePos(first.pos[0]).line}: ${firstLine(first.message)}`);
  }
  const inspected = inspect(document, lines);
  if ('error' in inspected) return unparsed(inspected.error);
  const value = document.toJS() as unknown;
  const problem = problemIn(value);
  return problem === undefined
    ? { ok: true, value: value as JsonValue, strictErrors: inspected.duplicates }
    : unparsed(problem);
};

interface Inspection {
  readonly duplicates: readonly string[];
}

const inspect = (document: Document, lines: LineCounter): Inspection | { readonly error: string } => {
  const duplicates: string[] = [];
  const pending: { node: unknown; depth: number }[] = [{ node: document.contents, depth: 1 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, depth } = next;
    if (depth > limits.depthMax) return { error: tooDeep };
    if (isSeq(node)) for (const item of node.items) pending.push({ node: item, depth: depth + 1 });
    if (!isMap(node)) continue;
    const keys = new Set<string>();
    for (const pair of node.items) {
      if (!isPair(pair)) continue;
      const key = isScalar(pair.key) ? String(pair.key.value) : '';
      if (key === FORBIDDEN_KEY) return { error: forbiddenKeyMessage };
      if (isAlias(pair.key)) return { error: 'an alias cannot be a key' };
      if (keys.has(key) && key !== '<<' && duplicates.length < limits.strictErrorsMax) {
        const offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
        duplicates.push(`line ${lines.linePos(offset).line}: key ${JSON.stringify(key)} already set in map`);
      }
      keys.add(key);
      pending.push({ node: pair.value, depth: depth + 1 });
    }
  }
  return { duplicates };
};

/** JSON has no infinities. Aliases make a small text a large value: every visit counts, and looking stops beyond the limit. */
const problemIn = (root: unknown): string | undefined => {
  const pending: unknown[] = [root];
  for (let nodes = 1; pending.length > 0; nodes += 1) {
    if (nodes > limits.yamlNodesMax)
      return `more than ${limits.yamlNodesMax} nodes after aliases are resolved`;
    const value = pending.pop();
    if (typeof value === 'number' && !Number.isFinite(value)) return `unsupported number ${value}`;
    if (typeof value !== 'object' || value === null) continue;
    for (const each of Object.values(value)) pending.push(each);
  }
  return undefined;
};
