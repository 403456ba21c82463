import { limits } from '../limits.js';
import type { KubeObject, Resource } from '../resource.js';
import { badRequest } from '../status/index.js';
import { selectableFields } from './selectable-fields.js';

export interface FieldTerm {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** All terms must hold; none: everything is selected. */
export interface ParsedFieldSelector {
  readonly terms: readonly FieldTerm[];
  readonly matches: (object: KubeObject) => boolean;
  /** The value that `field` must have, if the selector demands one: for reads by name and indexes by node. */
  readonly exactly: (field: string) => string | undefined;
}

/**
 * `spec.nodeName=n1,status.phase!=Running`, where `\` escapes `,`, `=` and itself:
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
 * Throws 400 for what does not parse and for fields that the resource does not offer.
 */
export const parseFieldSelector = (
  text: string,
  resource: Pick<Resource, 'group' | 'plural'>,
): ParsedFieldSelector => {
  if (text.length > limits.selectorLengthMaxCharacters) {
    throw badRequest(
      `a field selector may not be longer than ${limits.selectorLengthMaxCharacters} characters`,
    );
  }
  const { fields, unsupported } = selectableFields(resource);
  const terms = splitTerms(text).map((term) => parseTerm(term, text));
  const conditions = terms.map(({ field, operator, value }) => {
    const read = fields.get(field);
    if (read === undefined) throw badRequest(unsupported(field));
    return (object: KubeObject): boolean => (read(object) === value) === (operator === '=');
  });
  return {
    terms,
    matches: (object) => conditions.every((holds) => holds(object)),
    exactly: (field) => terms.find((term) => term.field === field && term.operator === '=')?.value,
  };
};

/** At the commas that are not escaped; what is empty falls away. */
const splitTerms = (text: string): readonly string[] =>
  [...text.matchAll(/(?:\\[^]|[^\\,]|\\$)+/g)].map(([term]) => term);

const parseTerm = (term: string, selector: string): FieldTerm => {
  // The first operator that is not escaped; the field itself has no escapes.
  const at = term.search(/!=|=/);
  if (at < 0) throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`);
  const operator = term.startsWith('!=', at) ? '!=' : '=';
  const length = term.startsWith('==', at) || operator === '!=' ? 2 : 1;
  return { field: term.slice(0, at), operator, value: unescape(term.slice(at + length)) };
};

const unescape = (value: string): string => {
  const invalid = /\\(?![\\,=])[^]?/.exec(value.replaceAll(/\\[\\,=]/g, ''));
  if (invalid !== null) {
    throw badRequest(`invalid field selector: invalid escape sequence: ${invalid[0]}`);
  }
  if (value.replaceAll(/\\[^]/g, '').includes('=')) {
    throw badRequest('invalid field selector: unescaped character in value: =');
  }
  return value.replaceAll(/\\([\\,=])/g, '$1');
};
