import {
  applyPatch,
  bareMediaType,
  checkPatchOptions,
  managerOf,
  methodNotSupported,
  objectOfKind,
  patchTypes,
  strictDecoding,
  type KubeObject,
} from '@raftsman/api';
import { authorize } from '../../auth/authorizer.js';
import { objectKey } from '../../storage/keys.js';
import type { CoreContext, RequestContext, WriteResult } from '../core.js';
import { checkedFields, decodeInput, recordApply, recordUpdate } from '../decode.js';
import { patchScale } from '../subresources/scale.js';
import type { Body, Target, WriteOptions } from '../target.js';
import { createStored, inNamespace } from './create.js';
import { updateStored } from './update-stored.js';

export async function patchObject(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  body: Body,
  options: WriteOptions,
): Promise<WriteResult> {
  checkPatchOptions({
    contentType: body.contentType,
    fieldManager: options.fieldManager,
    ...(options.force ? { force: true } : {}),
  });
  if (target.subresource === 'scale') return patchScale(context, request, target, body, options);
  if (target.subresource !== '' && target.subresource !== 'status') {
    throw methodNotSupported(target.resource, 'patch');
  }
  return bareMediaType(body.contentType) === patchTypes.apply
    ? applyObject(context, request, target, body, options)
    : patchStored(context, request, target, body, options);
}

async function patchStored(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  body: Body,
  options: WriteOptions,
): Promise<WriteResult> {
  const { resource, subresource } = target;
  const manager = managerOf(options.fieldManager, request.userAgent);
  let warnings: readonly string[] = [];
  const object = await updateStored(context, request, target, {
    change: (current) => {
      const patched = applyPatch({
        schema: resource.schema,
        current,
        patchBytes: body.bytes,
        contentType: body.contentType,
      });
      const checked = checkedFields(
        resource,
        objectOfKind(patched.object, resource),
        options.fieldValidation,
      );
      warnings = [
        ...strictDecoding(resource, patched.strictErrors, options.fieldValidation),
        ...checked.warnings,
      ];
      return checked.object;
    },
    track: (made, old) => recordUpdate(resource, old, made, manager, subresource, context.now()),
    dryRun: options.dryRun,
  });
  return { object, created: false, warnings };
}

/** Server-side apply: makes the object if it is not there, else merges what the manager wants into it. */
async function applyObject(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  body: Body,
  options: WriteOptions,
): Promise<WriteResult> {
  const { resource, namespace, name, subresource } = target;
  const { object: applied, warnings } = decodeInput(resource, body, options.fieldValidation, { apply: true });
  inNamespace(target, applied);
  applied.metadata.name ??= name;
  const merge = (current: KubeObject | null): KubeObject =>
    recordApply(resource, current, applied, {
      manager: options.fieldManager,
      force: options.force,
      subresource,
      now: context.now(),
    });
  const key = objectKey(context.keyPrefix, resource, namespace, name);
  const there = context.cacher(resource).get(key) ?? (await context.storage.get(key));
  if (there === null && subresource === '') {
    authorize(context.authorizer, request.identity, {
      kind: 'resource',
      verb: 'create',
      group: resource.group,
      plural: resource.plural,
      subresource,
      namespace,
      name,
    });
    const made = await createStored(context, request, target, merge(null), {
      dryRun: options.dryRun,
      track: (object) => object,
    });
    return { object: made, created: true, warnings };
  }
  const object = await updateStored(context, request, target, {
    change: merge,
    track: (made) => made,
    dryRun: options.dryRun,
  });
  return { object, created: false, warnings };
}
