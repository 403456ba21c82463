import {
  alreadyExists,
  badRequest,
  generateNameConflict,
  jsonClone,
  managerOf,
  methodNotSupported,
  type KubeObject,
} from '@raftsman/api';
import { limits } from '../../limits.js';
import { objectKey } from '../../storage/keys.js';
import { admitIntoNamespace } from '../admission/namespace-lifecycle.js';
import { bindPod } from '../subresources/binding.js';
import { evictPod } from '../subresources/eviction.js';
import type { CoreContext, RequestContext, WriteResult } from '../core.js';
import { checkCreate, decodeInput, recordUpdate, withDefaults } from '../decode.js';
import { nameOf, timestamp } from '../model.js';
import { strategyOf } from '../strategies/index.js';
import type { Body, Target, WriteOptions } from '../target.js';

export async function createObject(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  body: Body,
  options: WriteOptions,
): Promise<WriteResult> {
  switch (target.subresource) {
    case '':
      break;
    case 'binding':
      return bindPod(context, request, target, body, options);
    case 'eviction':
      return evictPod(context, request, target, body, options);
    default:
      throw methodNotSupported(target.resource, 'create');
  }
  const { object, warnings } = decodeInput(target.resource, body, options.fieldValidation);
  const manager = managerOf(options.fieldManager, request.userAgent);
  const stored = await createStored(context, request, target, object, {
    dryRun: options.dryRun,
    track: (made) => recordUpdate(target.resource, null, made, manager, '', context.now()),
  });
  return { object: stored, created: true, warnings };
}

/** Makes a decoded object: the part that creation and an apply of what is not there share. */
export async function createStored(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  input: KubeObject,
  options: { readonly dryRun: boolean; readonly track: (object: KubeObject) => KubeObject },
): Promise<KubeObject> {
  const { resource } = target;
  const strategy = strategyOf(resource);
  inNamespace(target, input);
  const generated = nameOf(input) === '' && (input.metadata.generateName ?? '') !== '';
  for (let attempt = 1; ; attempt += 1) {
    const prepared = newObject(context, target, input, generated);
    strategy.prepareCreate?.(prepared);
    const object = withDefaults(resource, prepared);
    await admitIntoNamespace(context, target, nameOf(object));
    await strategy.admitCreate?.(context, request, object);
    checkCreate(resource, object, strategy.validate?.(object, null) ?? []);
    const stored = await store(context, target, object, options);
    if (stored !== null) return stored;
    if (!generated) throw alreadyExists(resource, nameOf(object));
    if (attempt === limits.generateNameAttempts) throw generateNameConflict(resource, nameOf(object), 1);
  }
}

/** The metadata that a new object starts with, whatever the client says of it. */
function newObject(context: CoreContext, target: Target, input: KubeObject, generated: boolean): KubeObject {
  if ((input.metadata.resourceVersion ?? '') !== '') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  const object = jsonClone(input);
  const {
    deletionTimestamp: _,
    deletionGracePeriodSeconds: __,
    resourceVersion: ___,
    ...metadata
  } = object.metadata;
  object.metadata = {
    ...metadata,
    ...(generated ? { name: generateName(metadata.generateName!, context.random) } : {}),
    uid: context.uuid(),
    creationTimestamp: timestamp(context.now()),
  };
  delete object.metadata.generation;
  if (target.resource.hasStatus) {
    object.metadata.generation = 1;
    delete object['status'];
  }
  return object;
}

const nameLengthMax = 63;
const suffixLength = 5;
/** No vowels, so that no words come out; nothing that is mistaken for another. */
const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';

function generateName(base: string, random: (max: number) => number): string {
  const suffix = Array.from({ length: suffixLength }, () => suffixLetters[random(suffixLetters.length)]);
  return base.slice(0, nameLengthMax - suffixLength) + suffix.join('');
}

/** Puts the object into the namespace of the path. Throws 400 if it names another. */
export function inNamespace(target: Target, object: KubeObject): void {
  if (!target.resource.namespaced) {
    if (object.metadata.namespace === '') delete object.metadata.namespace;
    return;
  }
  const named = object.metadata.namespace ?? '';
  if (named !== '' && named !== target.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (target.namespace === '') throw badRequest('an empty namespace may not be set during creation');
  object.metadata.namespace = target.namespace;
}

/** null: the name is taken. */
async function store(
  context: CoreContext,
  target: Target,
  object: KubeObject,
  options: { readonly dryRun: boolean; readonly track: (object: KubeObject) => KubeObject },
): Promise<KubeObject | null> {
  const key = objectKey(context.keyPrefix, target.resource, target.namespace, nameOf(object));
  const strategy = strategyOf(target.resource);
  const taken = new Set<string>();
  for (let attempt = 1; ; attempt += 1) {
    const draft = jsonClone(object);
    const extras = (await strategy.extras?.(context, draft, null, taken)) ?? {};
    const tracked = options.track(draft);
    if (options.dryRun) return (await context.storage.get(key)) === null ? tracked : null;
    const answer = await context.storage.create(key, tracked, extras);
    if (answer.kind === 'written') return answer.stored.object;
    if (answer.kind === 'changed') return null;
    for (const claim of answer.claims) taken.add(claim);
    if (attempt === limits.updateAttempts) throw alreadyExists(target.resource, nameOf(object));
  }
}
