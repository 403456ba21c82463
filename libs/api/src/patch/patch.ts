import { bareMediaType, decodeText, type Decoded } from '../decode.js';
import { parseJson } from '../decode/json.js';
import { parseYaml } from '../decode/yaml.js';
import { limits } from '../limits.js';
import type { KubeObject } from '../resource.js';
import type { Schema } from '../schema.js';
import { badRequest, unprocessable, unsupportedMediaType } from '../status/index.js';
import { isObject, measure, withoutNulls } from '../values.js';
import { applyJsonPatch } from './json-patch.js';
import { applyMergePatch } from './merge-patch.js';
import { applyStrategicMergePatch } from './strategic-merge-patch.js';

/** The content types of a PATCH. Server-side apply goes through `serverSideApply`. */
export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

type PatchFunction = (current: unknown, patch: unknown, schema: Schema) => unknown;

const mustBeObject: (apply: PatchFunction) => PatchFunction = (apply) => (current, patch, schema) => {
  if (!isObject(patch)) throw badRequest('error decoding patch: it must be an object');
  return apply(current, patch, schema);
};

const functions: ReadonlyMap<string, PatchFunction> = new Map<string, PatchFunction>([
  [patchTypes.json, applyJsonPatch],
  [patchTypes.merge, mustBeObject(applyMergePatch)],
  [patchTypes.strategic, mustBeObject(applyStrategicMergePatch)],
]);

export interface PatchRequest {
  readonly schema: Schema;
  /** As stored; is not changed. */
  readonly current: KubeObject;
  readonly patchBytes: Uint8Array;
  readonly contentType: string;
}

export interface Patched {
  /** Properties that are null are gone. Not yet defaulted or validated: name, kind and types may be anything. */
  readonly object: { [key: string]: unknown };
  /** Keys that the patch has twice: see `strictDecoding`. */
  readonly strictErrors: readonly string[];
}

/** Throws 400 (not a patch), 413, 415 (another content type), 422 (does not apply to this object). */
export const applyPatch = ({ schema, current, patchBytes, contentType }: PatchRequest): Patched => {
  const apply = functions.get(bareMediaType(contentType));
  if (apply === undefined) throw unsupportedMediaType(Object.values(patchTypes));
  const parsed = parseJson(decodeText(patchBytes));
  if (!parsed.ok) throw badRequest(`error decoding patch: ${parsed.error}`);
  const object = withoutNulls(apply(current, parsed.value, schema));
  if (!isObject(object)) throw unprocessable('the patch leaves no object');
  if (measure(object, limits.depthMax).depth > limits.depthMax) {
    throw unprocessable(`the patched object exceeds the depth of ${limits.depthMax}`);
  }
  return { object, strictErrors: parsed.strictErrors };
};

/** The configuration that an apply carries, for `objectOfKind(…, { kindRequired: true })`, `checkFields` and `serverSideApply`. Throws 400 and 413. */
export const decodeApplyPatch = (patchBytes: Uint8Array): Decoded => {
  const parsed = parseYaml(decodeText(patchBytes));
  if (!parsed.ok) throw badRequest(`error decoding YAML: ${parsed.error}`);
  return { value: parsed.value, strictErrors: parsed.strictErrors };
};
