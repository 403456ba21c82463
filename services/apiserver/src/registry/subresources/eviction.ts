import { badRequest, isObject, type JsonValue } from '@raftsman/api';
import { bodyValue } from '../body-value.js';
import type { CoreContext, RequestContext, WriteResult } from '../core.js';
import { parseDeleteOptions } from '../delete-options.js';
import type { Body, Target, WriteOptions } from '../target.js';
import { deleteObject } from '../verbs/delete.js';

/** A deletion that disruption budgets may refuse; without any, it is a deletion. */
export async function evictPod(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  body: Body,
  options: WriteOptions,
): Promise<WriteResult> {
  const { value } = bodyValue(body);
  if (!isObject(value) || (value['kind'] !== undefined && value['kind'] !== 'Eviction')) {
    throw badRequest('the body is not an Eviction');
  }
  const asked = parseDeleteOptions((value['deleteOptions'] ?? {}) as JsonValue);
  await deleteObject(
    context,
    request,
    { ...target, subresource: '' },
    { ...asked, dryRun: asked.dryRun || options.dryRun },
  );
  const object = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as const;
  return { object, created: true, warnings: [] };
}
