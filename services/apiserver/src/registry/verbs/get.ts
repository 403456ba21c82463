import {
  badRequest,
  methodNotSupported,
  notFound,
  tooLargeResourceVersion,
  type KubeObject,
} from '@raftsman/api';
import { objectKey } from '../../storage/keys.js';
import type { CoreContext } from '../core.js';
import type { Target } from '../target.js';
import { scaleOf } from '../subresources/scale.js';

/** The object, from the cache for resourceVersion "0" and linearizably from the store otherwise. */
export async function getObject(
  context: CoreContext,
  target: Target,
  resourceVersion: string,
): Promise<KubeObject> {
  const object = await read(context, target, resourceVersion);
  switch (target.subresource) {
    case '':
    case 'status':
    case 'log':
      return object;
    case 'scale':
      return scaleOf(object);
    default:
      throw methodNotSupported(target.resource, 'get');
  }
}

async function read(context: CoreContext, target: Target, resourceVersion: string): Promise<KubeObject> {
  const { resource, namespace, name } = target;
  if (resource.plural === 'componentstatuses') {
    const rows = await context.componentStatuses();
    const row = rows.find((each) => each.metadata.name === name);
    if (row === undefined) throw notFound(resource, name);
    return row;
  }
  const key = objectKey(context.keyPrefix, resource, namespace, name);
  if (resourceVersion === '0') {
    const cacher = context.cacher(resource);
    await cacher.ready();
    const held = cacher.get(key);
    if (held !== undefined) return held;
  }
  const atLeast = parseRevision(resourceVersion);
  const stored = await context.storage.get(key);
  if (stored === null) throw notFound(resource, name);
  if (atLeast > stored.modRevision && atLeast > context.cacher(resource).revision) {
    await checkReached(context, target, atLeast);
  }
  return stored.object;
}

/** A revision that etcd has not reached yet cannot be read. */
async function checkReached(context: CoreContext, target: Target, revision: number): Promise<void> {
  const prefix = objectKey(context.keyPrefix, target.resource, target.namespace, target.name);
  const listed = await context.storage.list(prefix, { limit: 1 });
  if (listed.revision < revision) throw tooLargeResourceVersion(String(revision), String(listed.revision), 1);
}

/** 0 for the empty string. Throws 400. */
export function parseRevision(text: string): number {
  if (text === '') return 0;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw badRequest(`invalid resource version ${JSON.stringify(text)}: must be a non-negative integer`);
  }
  return value;
}
