import type { JsonValue } from '../values.js';

/** What a parser makes of a text: a value, or why there is none. */
export type Parsed =
  | {
      readonly ok: true;
      readonly value: JsonValue;
      /** What `fieldValidation=Strict` refuses and `Warn` warns of, as `duplicate field "a.b"`. At most limits.strictErrorsMax. */
      readonly strictErrors: readonly string[];
    }
  | { readonly ok: false; readonly error: string };

export const unparsed = (error: string): Parsed => ({ ok: false, error });

/** Assigning to this key changes an object's prototype; no field of Kubernetes has it. */
export const FORBIDDEN_KEY = '__proto__';
export const forbiddenKeyMessage = `the key "${FORBIDDEN_KEY}" is not allowed`;
