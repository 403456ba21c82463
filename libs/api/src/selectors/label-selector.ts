import type { LabelSelector as LabelSelectorObject } from '../kinds/meta.js';
import { limits } from '../limits.js';
import { badRequest, fieldErrorMessage, invalidValue, type FieldError } from '../status/index.js';
import { labelValueFormat, qualifiedName } from '../validation/formats.js';
import { selectsLabels } from '../validation/label-selector.js';
import { tokensOf, type Token } from './label-tokens.js';

export type Labels = { readonly [key: string]: string };

export interface Requirement {
  readonly key: string;
  readonly operator: '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | '>' | '<';
  /** None for `exists` and `!`, one for all but `in` and `notin`. */
  readonly values: readonly string[];
}

/** All of them must be met; none: everything is selected. */
export interface ParsedLabelSelector {
  readonly requirements: readonly Requirement[];
  readonly matches: (labels: Labels | undefined) => boolean;
}

/** The selector as an object's field holds it (Deployment, Service affinity); the empty one selects everything. */
export const labelSelectorMatches = (selector: LabelSelectorObject, labels: Labels | undefined): boolean =>
  selectsLabels(selector, labels);

/**
 * `app=web,tier in (front,back),!legacy`: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api
 * Throws 400 in Kubernetes' words.
 */
export const parseLabelSelector = (text: string): ParsedLabelSelector => {
  if (text.length > limits.selectorLengthMaxCharacters) {
    throw badRequest(
      `a label selector may not be longer than ${limits.selectorLengthMaxCharacters} characters`,
    );
  }
  const requirements = new Parser(tokensOf(text)).parse();
  return {
    requirements,
    matches: (labels = {}) => requirements.every((requirement) => meets(requirement, labels)),
  };
};

const INTEGER = /^[+-]?[0-9]{1,18}$/;

const meets = ({ key, operator, values }: Requirement, labels: Labels): boolean => {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case '=':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case '>':
    case '<': {
      const [bound = ''] = values;
      if (value === undefined || !INTEGER.test(value)) return false;
      return operator === '>' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
    }
  }
};

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** selector = [ requirement { "," requirement } ] */
  parse(): readonly Requirement[] {
    const requirements: Requirement[] = [];
    if (this.#peek().type === 'end') return requirements;
    if (!this.#startsRequirement()) {
      throw badRequest(`found '${this.#peek().text}', expected: !, identifier, or 'end of string'`);
    }
    for (;;) {
      requirements.push(this.#requirement());
      const next = this.#take();
      if (next.type === 'end') return requirements;
      if (next.text !== ',') throw badRequest(`found '${next.text}', expected: ',' or 'end of string'`);
      if (!this.#startsRequirement()) {
        throw badRequest(`found '${this.#peek().text}', expected: identifier after ','`);
      }
    }
  }

  /** requirement = "!" key | key | key operator value | key ( "in" | "notin" ) "(" values ")" */
  #requirement(): Requirement {
    const negated = this.#peek().text === '!';
    if (negated) this.#take();
    const key = this.#take();
    if (key.type !== 'word') throw unparsable(`found '${key.text}', expected: identifier`);
    check(qualifiedName(key.text), key.text, '<nil>');
    const ends = this.#peek().type === 'end' || this.#peek().text === ',';
    if (negated) return { key: key.text, operator: '!', values: [] };
    if (ends) return { key: key.text, operator: 'exists', values: [] };
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#value()];
    values.forEach((value, index) => {
      check(labelValueFormat(value), value, `values[${index}][${key.text}]`);
      if ((operator === '>' || operator === '<') && !INTEGER.test(value)) {
        const why = "for 'Gt', 'Lt' operators, the value must be an integer";
        throw unparsable(fieldErrorMessage(invalidValue(`values[${index}]`, value, why)));
      }
    });
    return { key: key.text, operator, values };
  }

  #operator(): Requirement['operator'] {
    const { text } = this.#take();
    switch (text) {
      case '==':
        return '=';
      case '=':
      case '!=':
      case 'in':
      case 'notin':
      case '>':
      case '<':
        return text;
      default:
        throw unparsable(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  #value(): string {
    if (this.#peek().type === 'end' || this.#peek().text === ',') return '';
    const value = this.#take();
    if (value.type !== 'word') throw unparsable(`found '${value.text}', expected: identifier`);
    return value.text;
  }

  /** An empty place between commas is the empty value. */
  #values(): readonly string[] {
    const open = this.#take();
    if (open.text !== '(') throw unparsable(`found '${open.text}' expected: '('`);
    const values = new Set<string>();
    for (;;) {
      const token = this.#peek();
      values.add(token.type === 'word' ? this.#take().text : '');
      const next = this.#take();
      if (next.text === ')') return [...values].toSorted();
      if (next.text !== ',') throw unparsable(`found '${next.text}', expected: ',' or ')'`);
    }
  }

  #startsRequirement(): boolean {
    return this.#peek().type === 'word' || this.#peek().text === '!';
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { type: 'end', text: '' };
  }

  #take(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }
}

const unparsable = (why: string): Error => badRequest(`unable to parse requirement: ${why}`);

const check = (problems: readonly string[], value: string, field: string): void => {
  if (problems.length === 0) return;
  const error: FieldError = invalidValue(field, value, problems.join('; '));
  throw unparsable(fieldErrorMessage(error));
};
