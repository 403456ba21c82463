import { parseJson } from './decode/json.js';
import type { Parsed } from './decode/parsed.js';
import { parseYaml } from './decode/yaml.js';
import { limits } from './limits.js';
import { apiVersionOf, type KubeObject, type Resource } from './resource.js';
import { badRequest, requestEntityTooLarge, unsupportedMediaType } from './status/index.js';
import { isObject, type JsonValue } from './values.js';

export const mediaTypes = { json: 'application/json', yaml: 'application/yaml' } as const;

export interface Decoded {
  readonly value: JsonValue;
  /** Keys that come twice; whether they are refused, warned of or ignored is up to `fieldValidation`. */
  readonly strictErrors: readonly string[];
}

/** `application/json; charset=utf-8` → `application/json` */
export const bareMediaType = (contentType: string): string =>
  contentType.split(';', 1).join('').trim().toLowerCase();

/** Throws 413, and 400 for what is not UTF-8. */
export const decodeText = (bytes: Uint8Array, sizeMaxBytes: number = limits.bodySizeMaxBytes): string => {
  if (bytes.byteLength > sizeMaxBytes) throw requestEntityTooLarge(`limit is ${sizeMaxBytes}`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // The decoder says no more than that.
    throw badRequest('error parsing the body: it is not valid UTF-8');
  }
};

const parsers: ReadonlyMap<string, { readonly parse: (text: string) => Parsed; readonly failed: string }> =
  new Map([
    [mediaTypes.json, { parse: parseJson, failed: "couldn't get version/kind; json parse error" }],
    [mediaTypes.yaml, { parse: parseYaml, failed: 'error converting YAML to JSON: yaml' }],
  ]);

/**
 * A request's body. An empty content type is taken for JSON, as Kubernetes does.
 * Throws 400 (does not parse, too deep), 413 (too large), 415 (neither JSON nor YAML).
 */
export const decodeBody = (
  bytes: Uint8Array,
  contentType: string,
  { sizeMaxBytes = limits.bodySizeMaxBytes }: { readonly sizeMaxBytes?: number } = {},
): Decoded => {
  const mediaType = bareMediaType(contentType);
  const parser = parsers.get(mediaType === '' ? mediaTypes.json : mediaType);
  if (parser === undefined) throw unsupportedMediaType([...parsers.keys()]);
  const parsed = parser.parse(decodeText(bytes, sizeMaxBytes));
  if (!parsed.ok) throw badRequest(`${parser.failed}: ${parsed.error}`);
  return { value: parsed.value, strictErrors: parsed.strictErrors };
};

type Kind = Pick<Resource, 'group' | 'version' | 'kind'>;

const excerpt = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length <= 1024 ? text : `${text.slice(0, 1024)}...`;
};

const nameOfType = (value: unknown): string =>
  Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;

/**
 * The body as an object of the kind that the path names. `apiVersion` and `kind` that are missing are filled in, unless they are required (an apply).
 * Throws 400 in Kubernetes' words. Types and names of fields are validation's to check.
 */
export const objectOfKind = (
  value: unknown,
  kind: Kind,
  { kindRequired = false }: { readonly kindRequired?: boolean } = {},
): KubeObject => {
  const unrecognized = (why: string): Error =>
    badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): ${why}`);
  if (!isObject(value)) {
    throw unrecognized(
      `couldn't get version/kind; json parse error: cannot unmarshal ${nameOfType(value)} into an object`,
    );
  }
  const { apiVersion = '', kind: found = '', metadata = {} } = value;
  if (typeof apiVersion !== 'string' || typeof found !== 'string') {
    throw unrecognized("couldn't get version/kind; json parse error: apiVersion and kind must be strings");
  }
  if (kindRequired && found === '') throw badRequest(`Object 'Kind' is missing in '${excerpt(value)}'`);
  if (kindRequired && apiVersion === '')
    throw badRequest(`Object 'apiVersion' is missing in '${excerpt(value)}'`);
  const expected = apiVersionOf(kind);
  if (apiVersion !== '' && apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  const handled = `${found} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}`;
  if (found !== '' && found !== kind.kind) throw badRequest(`${handled}: its kind is another`);
  if (metadata !== null && !isObject(metadata)) {
    throw badRequest(
      `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: cannot unmarshal ${nameOfType(metadata)} into metadata`,
    );
  }
  return { ...value, apiVersion: expected, kind: kind.kind, metadata: metadata ?? {} };
};

/** The reading of `fieldValidation`: `refuse` throws 400 with all errors; otherwise they are returned, to be sent as warnings. */
export const strictDecoding = (
  kind: Kind,
  strictErrors: readonly string[],
  fieldValidation: 'Strict' | 'Warn' | 'Ignore',
): readonly string[] => {
  if (fieldValidation === 'Ignore' || strictErrors.length === 0) return [];
  if (fieldValidation === 'Warn') return strictErrors;
  throw badRequest(
    `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: strict decoding error: ${strictErrors.join(', ')}`,
  );
};
