/** Why a field is not acceptable; the values are StatusCause.reason's: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

export interface FieldError {
  readonly type: FieldErrorType;
  /** A path such as `spec.containers[0].image`; `<nil>` for the object as a whole. */
  readonly field: string;
  /** The offending value. Not shown for types that carry none (required, forbidden, too long, internal). */
  readonly value?: unknown;
  readonly detail: string;
}

const titles: Readonly<Record<FieldErrorType, string>> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  FieldValueTypeInvalid: 'Invalid value',
  InternalError: 'Internal error',
};

const valueless: ReadonlySet<FieldErrorType> = new Set([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
  'InternalError',
]);

/** A value in an error keeps to this many characters, so that a hostile object cannot blow up the answer that refuses it. */
const VALUE_LENGTH_MAX_CHARACTERS = 1024;

const printed = (value: unknown): string => {
  const text = value === undefined ? 'null' : JSON.stringify(value);
  return text.length <= VALUE_LENGTH_MAX_CHARACTERS
    ? text
    : `${text.slice(0, VALUE_LENGTH_MAX_CHARACTERS)}...`;
};

export const required = (field: string, detail = ''): FieldError => ({
  type: 'FieldValueRequired',
  field,
  detail,
});
export const invalidValue = (field: string, value: unknown, detail: string): FieldError => ({
  type: 'FieldValueInvalid',
  field,
  value,
  detail,
});
export const typeInvalid = (field: string, value: unknown, detail: string): FieldError => ({
  type: 'FieldValueTypeInvalid',
  field,
  value,
  detail,
});
export const duplicate = (field: string, value: unknown): FieldError => ({
  type: 'FieldValueDuplicate',
  field,
  value,
  detail: '',
});
/** `supported`: the values that would do, in the order in which they are to be shown. */
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: 'FieldValueNotSupported',
  field,
  value,
  detail:
    supported.length === 0
      ? ''
      : `supported values: ${supported.map((each) => JSON.stringify(each)).join(', ')}`,
});
export const forbiddenField = (field: string, detail: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  detail,
});
export const tooLong = (field: string, value: string, lengthMaxBytes: number): FieldError => ({
  type: 'FieldValueTooLong',
  field,
  value,
  detail: `may not be more than ${lengthMaxBytes} bytes`,
});
export const tooMany = (field: string, count: number, countMax: number): FieldError => ({
  type: 'FieldValueTooMany',
  field,
  value: count,
  detail: `must have at most ${countMax} items`,
});
export const fieldNotFound = (field: string, value: unknown): FieldError => ({
  type: 'FieldValueNotFound',
  field,
  value,
  detail: '',
});

/** `Invalid value: "x": must be ...`: what a StatusCause says. */
export const fieldErrorBody = (error: FieldError): string => {
  const head = titles[error.type];
  const body = valueless.has(error.type) ? head : `${head}: ${printed(error.value)}`;
  return error.detail === '' ? body : `${body}: ${error.detail}`;
};

/** `spec.replicas: Invalid value: -1: must be ...` */
export const fieldErrorMessage = (error: FieldError): string => `${error.field}: ${fieldErrorBody(error)}`;

/** One message as it is; several, each once, as `[a, b]`; none as the empty string. */
export const aggregateMessages = (messages: readonly string[]): string => {
  const distinct = [...new Set(messages)];
  return distinct.length === 1 ? distinct.join('') : distinct.length === 0 ? '' : `[${distinct.join(', ')}]`;
};
