import { badRequest, conflict, jsonClone, notFound, type KubeObject } from '@raftsman/api';
import { limits } from '../../limits.js';
import { objectKey } from '../../storage/keys.js';
import type { Stored } from '../../storage/storage.js';
import type { CoreContext, RequestContext } from '../core.js';
import { checkUpdate, withDefaults } from '../decode.js';
import { finalizersOf, isDeleting, sameButBookkeeping, sameSpec } from '../model.js';
import { strategyOf } from '../strategies/index.js';
import type { Target } from '../target.js';

export interface UpdatePlan {
  /** What is wanted instead of `current`, which is read-only. Runs anew whenever `current` turns out to be old. */
  readonly change: (current: KubeObject) => KubeObject | Promise<KubeObject>;
  /** Records in metadata.managedFields who set what. */
  readonly track: (object: KubeObject, old: KubeObject) => KubeObject;
  readonly dryRun: boolean;
}

/**
 * Reads, changes and writes one object, and does so again if somebody else wrote it in between. The first try takes
 * the cache's word for what is stored, which spares a read; whatever goes wrong on it is judged anew on a fresh one.
 */
export async function updateStored(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  plan: UpdatePlan,
): Promise<KubeObject> {
  const key = objectKey(context.keyPrefix, target.resource, target.namespace, target.name);
  const held = context.cacher(target.resource).get(key);
  if (held !== undefined) {
    const guess = { key, object: held, modRevision: Number(held.metadata.resourceVersion) };
    const done = await attempt(context, request, target, plan, guess, new Set()).catch(() => null);
    if (done !== null && done.kind === 'done' && done.wrote) return done.object;
  }
  let current = await context.storage.get(key);
  const taken = new Set<string>();
  for (let tries = 0; tries < limits.updateAttempts; tries += 1) {
    if (current === null) throw notFound(target.resource, target.name);
    const answer = await attempt(context, request, target, plan, current, taken);
    if (answer.kind === 'done') return answer.object;
    if (answer.kind === 'claimed') answer.claims.forEach((claim) => taken.add(claim));
    else current = answer.current;
  }
  throw conflict(target.resource, target.name);
}

type Attempt =
  | { readonly kind: 'done'; readonly object: KubeObject; readonly wrote: boolean }
  | { readonly kind: 'changed'; readonly current: Stored | null }
  | { readonly kind: 'claimed'; readonly claims: readonly string[] };

async function attempt(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  plan: UpdatePlan,
  current: Stored,
  taken: ReadonlySet<string>,
): Promise<Attempt> {
  const old = current.object;
  const strategy = strategyOf(target.resource);
  const wanted = jsonClone(await plan.change(old));
  checkIdentity(target, wanted, old);
  const object = withDefaults(target.resource, combined(target, wanted, old));
  if (target.resource.hasStatus && !sameSpec(object, old)) {
    object.metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  strategy.admitUpdate?.(context, request, object, old);
  const extras = target.subresource === '' ? await strategy.extras?.(context, object, old, taken) : undefined;
  checkUpdate(target, object, old, strategy.validate?.(object, old) ?? []);
  const tracked = plan.track(object, old);
  if (sameButBookkeeping(tracked, old)) return { kind: 'done', object: old, wrote: false };
  if (plan.dryRun) return { kind: 'done', object: tracked, wrote: true };
  const gone = isOver(target, tracked);
  const answer = gone
    ? await context.storage.delete(
        { ...current, object: tracked },
        { releases: strategy.releases?.(context, old) },
      )
    : await context.storage.update(current.key, current.modRevision, tracked, extras);
  return answer.kind === 'written' ? { kind: 'done', object: answer.stored.object, wrote: true } : answer;
}

/** Throws 400 for another name, 409 for another object or an old version of it. */
function checkIdentity(target: Target, wanted: KubeObject, old: KubeObject): void {
  const { uid = '', resourceVersion = '' } = wanted.metadata;
  const { resource, name } = target;
  const named = wanted.metadata.name ?? '';
  if (named !== name) {
    throw badRequest(
      `the name of the object (${named === '' ? 'empty' : named}) does not match the name on the URL (${name})`,
    );
  }
  if (uid !== '' && uid !== old.metadata.uid) {
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ''}`,
    );
  }
  if (resourceVersion !== '' && resourceVersion !== '0' && resourceVersion !== old.metadata.resourceVersion) {
    throw conflict(resource, name);
  }
}

/** The parts that this request may write from `wanted`, all others from `old`. */
function combined(target: Target, wanted: KubeObject, old: KubeObject): KubeObject {
  if (target.subresource === 'status') {
    const managed = wanted.metadata.managedFields;
    return {
      ...jsonClone(old),
      status: wanted['status'] ?? {},
      metadata: { ...jsonClone(old.metadata), ...(managed === undefined ? {} : { managedFields: managed }) },
    };
  }
  const { metadata } = old;
  const object: KubeObject = {
    ...wanted,
    metadata: {
      ...wanted.metadata,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(metadata.generateName === undefined ? {} : { generateName: metadata.generateName }),
      uid: metadata.uid!,
      creationTimestamp: metadata.creationTimestamp!,
      resourceVersion: metadata.resourceVersion!,
    },
  };
  for (const field of ['generation', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    delete object.metadata[field];
    if (metadata[field] !== undefined) Object.assign(object.metadata, { [field]: metadata[field] });
  }
  if (target.subresource !== '') return object;
  if (target.resource.hasStatus) {
    delete object['status'];
    if (old['status'] !== undefined) object['status'] = jsonClone(old['status']);
  }
  strategyOf(target.resource).prepareUpdate?.(object, old);
  return object;
}

/** Whether nothing keeps an object any more that was marked as deleted. */
function isOver(target: Target, object: KubeObject): boolean {
  return (
    isDeleting(object) &&
    finalizersOf(object).length === 0 &&
    (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
    strategyOf(target.resource).keepsDeleted?.(object) !== true
  );
}
