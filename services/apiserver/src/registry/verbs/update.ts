import { invalid, invalidValue, managerOf, methodNotSupported, type KubeObject } from '@raftsman/api';
import type { CoreContext, RequestContext, WriteResult } from '../core.js';
import { decodeInput, recordUpdate } from '../decode.js';
import { nameOf } from '../model.js';
import { finalizeNamespace } from '../subresources/finalize.js';
import { updateScale } from '../subresources/scale.js';
import { strategyOf } from '../strategies/index.js';
import type { Body, Target, WriteOptions } from '../target.js';
import { inNamespace } from './create.js';
import { updateStored } from './update-stored.js';

export async function updateObject(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  body: Body,
  options: WriteOptions,
): Promise<WriteResult> {
  const { resource, subresource } = target;
  if (subresource === 'scale') return updateScale(context, request, target, body, options);
  if (subresource !== '' && subresource !== 'status' && subresource !== 'finalize') {
    throw methodNotSupported(resource, 'update');
  }
  const { object: wanted, warnings } = decodeInput(resource, body, options.fieldValidation);
  inNamespace(target, wanted);
  checkVersion(target, wanted);
  const manager = managerOf(options.fieldManager, request.userAgent);
  const object = await updateStored(context, request, target, {
    change: (current) => (subresource === 'finalize' ? finalizeNamespace(current, wanted) : wanted),
    track: (made, old) => recordUpdate(resource, old, made, manager, subresource, context.now()),
    dryRun: options.dryRun,
  });
  return { object, created: false, warnings };
}

function checkVersion(target: Target, wanted: KubeObject): void {
  if (strategyOf(target.resource).updateNeedsVersion !== true) return;
  if ((wanted.metadata.resourceVersion ?? '') !== '') return;
  throw invalid(target.resource, nameOf(wanted), [
    invalidValue('metadata.resourceVersion', 0, 'must be specified for an update'),
  ]);
}
