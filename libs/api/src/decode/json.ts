import { limits } from '../limits.js';
import type { JsonValue } from '../values.js';
import { FORBIDDEN_KEY, forbiddenKeyMessage, unparsed, type Parsed } from './parsed.js';

/**
 * JSON with what JSON.parse keeps silent about: keys that come twice, depth, and the key that would change a prototype.
 * The second pass reads a text that JSON.parse has accepted, so that it needs no grammar.
 */
export const parseJson = (text: string): Parsed => {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    return unparsed(error instanceof Error ? error.message : String(error));
  }
  const scan = scanJson(text);
  return 'error' in scan ? unparsed(scan.error) : { ok: true, value, strictErrors: scan.duplicates };
};

const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

interface Frame {
  /** Absent for a list. */
  readonly keys?: Set<string>;
  /** The key or the index at which the scan is. */
  at: string | number;
}

const pathOf = (frames: readonly Frame[]): string =>
  frames
    .map(({ at }) => (typeof at === 'number' ? `[${at}]` : `.${at}`))
    .join('')
    .slice(1);

/** The index of the quote that ends the string that begins at `start`. */
const endOfString = (text: string, start: number): number => {
  let end = text.indexOf('"', start + 1);
  for (;;) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes += 1;
    if (backslashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
};

const keyAt = (text: string, start: number, end: number): string => {
  const raw = text.slice(start + 1, end);
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
};

const scanJson = (text: string): { readonly duplicates: readonly string[] } | { readonly error: string } => {
  const frames: Frame[] = [];
  const duplicates: string[] = [];
  let top: Frame | undefined;
  let keyComes = false;
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case quote: {
        const end = endOfString(text, index);
        if (keyComes && top?.keys !== undefined) {
          top.at = keyAt(text, index, end);
          if (top.at === FORBIDDEN_KEY) return { error: forbiddenKeyMessage };
          if (top.keys.has(top.at) && duplicates.length < limits.strictErrorsMax) {
            duplicates.push(`duplicate field ${JSON.stringify(pathOf(frames))}`);
          }
          top.keys.add(top.at);
          keyComes = false;
        }
        index = end;
        break;
      }
      case openBrace:
      case openBracket: {
        const isList = text.charCodeAt(index) === openBracket;
        top = isList ? { at: 0 } : { keys: new Set(), at: '' };
        frames.push(top);
        keyComes = !isList;
        if (frames.length > limits.depthMax) return { error: `exceeded max depth of ${limits.depthMax}` };
        break;
      }
      case closeBrace:
      case closeBracket:
        frames.pop();
        top = frames.at(-1);
        keyComes = false;
        break;
      case comma:
        if (typeof top?.at === 'number') top.at += 1;
        else keyComes = true;
        break;
      default:
        break;
    }
  }
  return { duplicates };
};
