import { badRequest, findResource, pathNotFound, type KubeObject, type Status } from '@raftsman/api';
import type { DeleteOptions__Output } from '@raftsman/proto/gen/raftsman/v1/DeleteOptions.js';
import type { Object as ObjectMessage } from '@raftsman/proto/gen/raftsman/v1/Object.js';
import type { ResourceRef__Output } from '@raftsman/proto/gen/raftsman/v1/ResourceRef.js';
import type { WriteOptions__Output } from '@raftsman/proto/gen/raftsman/v1/WriteOptions.js';
import {
  noDeleteOptions,
  parseDryRun,
  parseGracePeriod,
  parsePropagation,
} from '../registry/delete-options.js';
import type { Body, DeleteOptions, FieldValidation, Target, WriteOptions } from '../registry/target.js';

/** Between raftsman.v1's messages and the core's. All throw an ApiError for what makes no sense. */

export function targetOf(ref: ResourceRef__Output | null): Target {
  if (ref === null) throw badRequest('ref is required');
  const resource = findResource(ref.group, ref.version, ref.resource);
  if (resource === undefined) throw pathNotFound();
  const { namespace, name, subresource } = ref;
  if (!resource.namespaced && namespace !== '') throw badRequest(`${ref.resource} have no namespace`);
  if (resource.namespaced && namespace === '' && name !== '') throw badRequest('ref.namespace is required');
  if (subresource !== '' && !(resource.subresources as readonly string[]).includes(subresource))
    throw pathNotFound();
  return { resource, namespace, name, subresource };
}

export function namedTargetOf(ref: ResourceRef__Output | null): Target {
  const target = targetOf(ref);
  if (target.name === '') throw badRequest('ref.name is required');
  return target;
}

export const bodyOf = (object: { readonly json: Buffer } | null): Body => {
  if (object === null) throw badRequest('object is required');
  return { bytes: object.json, contentType: 'application/json' };
};

export const objectMessage = (object: KubeObject | Status): ObjectMessage => ({
  json: Buffer.from(JSON.stringify(object)),
});

export function writeOptionsOf(options: WriteOptions__Output | null): WriteOptions {
  return {
    dryRun: parseDryRun(options?.dryRun ?? []),
    fieldManager: options?.fieldManager ?? '',
    fieldValidation: fieldValidation(options?.fieldValidation ?? ''),
    force: options?.force ?? false,
  };
}

/** Strict unless asked otherwise: there is no header for warnings here. */
function fieldValidation(value: string): FieldValidation {
  if (value === '' || value === 'Strict') return 'Strict';
  if (value === 'Warn' || value === 'Ignore') return value;
  throw badRequest(`field_validation must be Strict, Warn or Ignore, not ${JSON.stringify(value)}`);
}

export function deleteOptionsOf(options: DeleteOptions__Output | null): DeleteOptions {
  if (options === null) return noDeleteOptions;
  const grace = options.gracePeriodSeconds;
  return {
    dryRun: parseDryRun(options.dryRun),
    gracePeriodSeconds: parseGracePeriod(grace === undefined ? undefined : Number(grace)),
    propagationPolicy: parsePropagation(options.propagationPolicy),
    preconditionUid: options.preconditionUid,
    preconditionResourceVersion: options.preconditionResourceVersion,
  };
}
