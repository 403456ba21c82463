import { httpLimits } from './limits.js';

/** A request that is not what it should be. */
export class JsonError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JsonError';
  }
}

const quoteOrEscape = /["\\]/g;
const spaceBetweenValues = /^[ \t\n\r]+/;
const spaceOrSeparator = /[\s,:]*/y;
const token = /[^\s{}[\]",:]+/y;
/** More digits than a double keeps apart. */
const longInteger = /^-?\d{16,}$/;
const tokenCharactersMax = 64;
/** Pieces of text that are kept apart: one value may come in millions. */
const piecesMax = 1_024;

/**
 * Cuts a stream of text into JSON objects and arrays, each parsed as it ends. Whole numbers that a double would round come as strings, which
 * the fields that can hold them take as well.
 *
 * Of what stands between values nothing is kept: a client may send it for ever.
 *
 * No character is looked at twice but those of a token or escape that a piece of text cuts: what has been seen of a value that has not ended is set aside,
 * since to search a string that was just added to is to copy it.
 */
export class JsonValues {
  readonly #charactersMax: number;
  /** Of the value that has begun, what has been seen: `#seen`, then `#pieces`, then `#text` up to `#at`. */
  #seen = '';
  #pieces: string[] = [];
  /** Of `#seen` and `#pieces`. */
  #asideCharacters = 0;
  #text = '';
  #at = 0;
  #depth = 0;
  #inString = false;
  /** Starts and ends of long integers in turn, from the start of the value: where quotes go. */
  #quotes: number[] = [];

  /** `charactersMax`: of one value. */
  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  /** A value that has not ended. */
  get hasBegun(): boolean {
    return this.#depth > 0;
  }

  /** Answers the values that have ended. Throws JsonError. */
  push(text: string): unknown[] {
    this.#text += text;
    const values: unknown[] = [];
    while (this.#findEnd()) values.push(this.#take());
    this.#setAside();
    if (this.#asideCharacters + this.#text.length > this.#charactersMax)
      throw new JsonError('etcdserver: request is too large');
    return values;
  }

  /** After the last push. Throws JsonError if a value has begun and not ended. */
  finish(): void {
    if (this.hasBegun) throw new JsonError('unexpected EOF');
  }

  /** Goes on to the end of a value; false: there is none in what has come. */
  #findEnd(): boolean {
    if (this.#depth === 0) this.#text = this.#text.replace(spaceBetweenValues, '');
    while (this.#at < this.#text.length) {
      const goesOn = this.#inString ? this.#skipString() : this.#skip();
      if (!goesOn) return false;
      if (this.#depth === 0) return true;
    }
    return false;
  }

  /** One character or token outside strings; false: more text is needed. */
  #skip(): boolean {
    const character = this.#text[this.#at]!;
    if (character === '{' || character === '[') {
      this.#depth += 1;
      if (this.#depth > httpLimits.jsonDepthMax) throw new JsonError('exceeded max depth');
    } else if (this.#depth === 0) {
      throw new JsonError(`invalid character '${character}' looking for beginning of value`);
    } else if (character === '}' || character === ']') {
      this.#depth -= 1;
    } else if (character === '"') {
      this.#inString = true;
    } else {
      return this.#skipSpaceOrToken();
    }
    this.#at += 1;
    return true;
  }

  #skipSpaceOrToken(): boolean {
    spaceOrSeparator.lastIndex = this.#at;
    const space = spaceOrSeparator.exec(this.#text)![0];
    this.#at += space.length;
    if (space !== '') return true;
    token.lastIndex = this.#at;
    const found = token.exec(this.#text)![0];
    if (found.length > tokenCharactersMax) throw new JsonError('invalid character in a literal');
    const end = this.#at + found.length;
    if (end === this.#text.length) return false;
    if (longInteger.test(found))
      this.#quotes.push(this.#asideCharacters + this.#at, this.#asideCharacters + end);
    this.#at = end;
    return true;
  }

  #skipString(): boolean {
    quoteOrEscape.lastIndex = this.#at;
    const found = quoteOrEscape.exec(this.#text);
    const isEscape = found?.[0] === '\\';
    if (found === null || (isEscape && found.index + 1 === this.#text.length)) {
      this.#at = found?.index ?? this.#text.length;
      return false;
    }
    this.#at = found.index + (isEscape ? 2 : 1);
    this.#inString = isEscape;
    return true;
  }

  #setAside(): void {
    if (this.#at === 0) return;
    this.#pieces.push(this.#text.slice(0, this.#at));
    this.#asideCharacters += this.#at;
    this.#text = this.#text.slice(this.#at);
    this.#at = 0;
    if (this.#pieces.length < piecesMax) return;
    this.#seen = this.#aside();
    this.#pieces = [];
  }

  #aside(): string {
    return this.#seen + this.#pieces.join('');
  }

  #take(): unknown {
    this.#setAside();
    const value = this.#aside();
    const cuts = [0, ...this.#quotes, value.length];
    const pieces = cuts.slice(1).map((end, index) => value.slice(cuts[index], end));
    this.#seen = '';
    this.#pieces = [];
    this.#asideCharacters = 0;
    this.#quotes = [];
    return parse(pieces.join('"'));
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new JsonError(error instanceof Error ? error.message : String(error));
  }
}
