import {
  apiVersionOf,
  applyDefaults,
  cannotBeHandled,
  checkFields,
  invalid,
  mediaTypes,
  objectOfKind,
  serverSideApply,
  strictDecoding,
  trackUpdate,
  validateCreate,
  validateUpdate,
  type FieldError,
  type KubeObject,
  type Resource,
} from '@raftsman/api';
import { bodyValue } from './body-value.js';
import { nameOf, timestamp } from './model.js';
import type { Body, FieldValidation, Target } from './target.js';

/** libs/api's functions as the verbs use them. */

export interface Input {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

/** A body as an object of the resource's kind. Throws 400, 413, 415. */
export function decodeInput(
  resource: Resource,
  body: Body,
  fieldValidation: FieldValidation,
  { apply = false }: { readonly apply?: boolean } = {},
): Input {
  // An apply's content type says YAML, of which JSON is a part.
  const contentType = apply ? mediaTypes.yaml : body.contentType;
  const { value, strictErrors } = bodyValue({ bytes: body.bytes, contentType });
  const warnings = strictDecoding(resource, strictErrors, fieldValidation);
  const checked = checkedFields(
    resource,
    objectOfKind(value, resource, { kindRequired: apply }),
    fieldValidation,
  );
  return { object: checked.object, warnings: [...warnings, ...checked.warnings] };
}

/** Types and names of all fields. Throws 400. */
export function checkedFields(
  resource: Resource,
  object: KubeObject,
  fieldValidation: FieldValidation,
): Input {
  const { value, error, warnings } = checkFields(resource.schema, object, fieldValidation);
  if (error !== undefined) throw cannotBeHandled(resource, error);
  const { apiVersion, kind } = object;
  const metadata = (value['metadata'] ?? {}) as KubeObject['metadata'];
  return { object: { ...value, apiVersion, kind, metadata }, warnings };
}

export const withDefaults = (resource: Resource, object: KubeObject): KubeObject =>
  applyDefaults(resource, object);

/** Throws 422 with all causes. */
export function checkCreate(resource: Resource, object: KubeObject, more: readonly FieldError[]): void {
  const errors = [...validateCreate(resource, object), ...more];
  if (errors.length > 0) throw invalid(resource, nameOf(object), errors);
}

export function checkUpdate(
  target: Target,
  object: KubeObject,
  old: KubeObject,
  more: readonly FieldError[],
): void {
  const { resource, subresource } = target;
  // Subresources write what a client of the object itself may not, and nothing else.
  const own = subresource === '' || subresource === 'scale' ? validateUpdate(resource, object, old) : [];
  const errors = [...own, ...more];
  if (errors.length > 0) throw invalid(resource, nameOf(object), errors);
}

/** metadata.managedFields after a create, update or patch. */
export function recordUpdate(
  resource: Resource,
  old: KubeObject | null,
  object: KubeObject,
  manager: string,
  subresource: string,
  nowMs: number,
): KubeObject {
  return trackUpdate({
    schema: resource.schema,
    old: old ?? undefined,
    new: object,
    manager,
    apiVersion: apiVersionOf(resource),
    subresource,
    time: timestamp(nowMs),
  });
}

/** The object after a server-side apply, which is recorded in it. Throws 409 with the fields that others own. */
export function recordApply(
  resource: Resource,
  current: KubeObject | null,
  applied: KubeObject,
  by: {
    readonly manager: string;
    readonly force: boolean;
    readonly subresource: string;
    readonly now: number;
  },
): KubeObject {
  const { manager, force, subresource, now } = by;
  return serverSideApply({
    schema: resource.schema,
    live: current ?? undefined,
    applied,
    manager,
    force,
    apiVersion: apiVersionOf(resource),
    subresource,
    time: timestamp(now),
    defaults: (object) => withDefaults(resource, object),
  }).object;
}
