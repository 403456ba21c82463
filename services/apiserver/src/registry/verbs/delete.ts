import {
  badRequest,
  conflict,
  jsonClone,
  methodNotSupported,
  notFound,
  successStatus,
  type KubeObject,
} from '@raftsman/api';
import { limits } from '../../limits.js';
import { objectKey } from '../../storage/keys.js';
import type { Stored, Written } from '../../storage/storage.js';
import type { CoreContext, RequestContext, WriteResult } from '../core.js';
import { finalizersOf, isDeleting, timestamp } from '../model.js';
import { strategyOf } from '../strategies/index.js';
import type { DeleteOptions, Target } from '../target.js';

/**
 * Takes the object away, or marks it where something must happen before: a grace period, finalizers, or a namespace's
 * content. Answers the marked object, or a Status once it is gone.
 */
export async function deleteObject(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  options: DeleteOptions,
): Promise<WriteResult> {
  const { resource, namespace, name } = target;
  if (target.subresource !== '') throw methodNotSupported(resource, 'delete');
  const key = objectKey(context.keyPrefix, resource, namespace, name);
  let current = await context.storage.get(key);
  for (let tries = 0; tries < limits.updateAttempts; tries += 1) {
    if (current === null) throw notFound(resource, name);
    checkPreconditions(target, current.object, options);
    strategyOf(resource).admitDelete?.(context, request, current.object);
    const decision = decide(target, current.object, options, context.now());
    if (decision.kind === 'kept') return { object: current.object, created: false, warnings: [] };
    const answer = await carryOut(context, target, current, decision, options.dryRun);
    if (answer.kind === 'written') return resultOf(target, decision, answer.stored.object);
    if (answer.kind === 'changed') current = answer.current;
  }
  throw conflict(resource, name);
}

function resultOf(target: Target, decision: Decision, object: KubeObject): WriteResult {
  if (decision.kind === 'mark') return { object, created: false, warnings: [] };
  const { plural, group } = target.resource;
  const uid = object.metadata.uid ?? '';
  return {
    object: successStatus({ name: target.name, group, kind: plural, uid }),
    created: false,
    warnings: [],
  };
}

function checkPreconditions(target: Target, object: KubeObject, options: DeleteOptions): void {
  const { preconditionUid: uid, preconditionResourceVersion: version } = options;
  const fail = (what: string, wanted: string, found: string): never => {
    throw conflict(
      target.resource,
      target.name,
      `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`,
    );
  };
  if (uid !== '' && uid !== object.metadata.uid) fail('UID', uid, object.metadata.uid ?? '');
  if (version !== '' && version !== object.metadata.resourceVersion) {
    fail('ResourceVersion', version, object.metadata.resourceVersion ?? '');
  }
}

export type Decision =
  | { readonly kind: 'remove' }
  | { readonly kind: 'mark'; readonly object: KubeObject }
  /** It is on its way already, and no later than asked. */
  | { readonly kind: 'kept' };

/** What a deletion does to this object now. Exported for tests. */
export function decide(target: Target, object: KubeObject, options: DeleteOptions, nowMs: number): Decision {
  const strategy = strategyOf(target.resource);
  const { gracePeriodSeconds: requested } = options;
  if (requested !== undefined && requested < 0 && strategy.gracePeriodSeconds === undefined) {
    throw badRequest('gracePeriodSeconds must not be negative');
  }
  const graceSeconds = strategy.gracePeriodSeconds?.(object, requested) ?? 0;
  const finalizers = finalizersFor(object, options);
  if (graceSeconds === 0 && finalizers.length === 0 && strategy.keepsDeleted?.(object) !== true) {
    return { kind: 'remove' };
  }
  const { deletionGracePeriodSeconds: pending = 0 } = object.metadata;
  const sameFinalizers = finalizers.join() === finalizersOf(object).join();
  if (isDeleting(object) && sameFinalizers && graceSeconds >= pending) return { kind: 'kept' };
  const marked = jsonClone(object);
  if (finalizers.length > 0) marked.metadata.finalizers = [...finalizers];
  else delete marked.metadata.finalizers;
  if (!isDeleting(object) || graceSeconds < pending) {
    marked.metadata.deletionTimestamp = timestamp(nowMs + graceSeconds * 1_000);
    marked.metadata.deletionGracePeriodSeconds = graceSeconds;
    if (target.resource.hasStatus) marked.metadata.generation = (object.metadata.generation ?? 0) + 1;
  }
  strategy.markDeleted?.(marked);
  return { kind: 'mark', object: marked };
}

/** The garbage collector acts on these two: https://kubernetes.io/docs/concepts/architecture/garbage-collection/ */
function finalizersFor(object: KubeObject, options: DeleteOptions): readonly string[] {
  const found = finalizersOf(object);
  if (options.propagationPolicy === undefined) return found;
  const others = found.filter((each) => each !== 'orphan' && each !== 'foregroundDeletion');
  switch (options.propagationPolicy) {
    case 'Background':
      return others;
    case 'Orphan':
      return [...others, 'orphan'];
    case 'Foreground':
      return [...others, 'foregroundDeletion'];
  }
}

async function carryOut(
  context: CoreContext,
  target: Target,
  current: Stored,
  decision: Exclude<Decision, { kind: 'kept' }>,
  dryRun: boolean,
): Promise<Written> {
  if (dryRun) {
    const object = decision.kind === 'mark' ? decision.object : current.object;
    return { kind: 'written', stored: { ...current, object } };
  }
  if (decision.kind === 'mark') {
    return context.storage.update(current.key, current.modRevision, decision.object);
  }
  const releases = strategyOf(target.resource).releases?.(context, current.object);
  return context.storage.delete(current, { releases });
}
