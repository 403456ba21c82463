import { accessDenied, findResource, parseFieldSelector, type Pod, type Verb } from '@raftsman/api';
import { nodeNameOf } from '../../auth/identity.js';
import { listPrefix } from '../../storage/keys.js';
import type { Stored } from '../../storage/storage.js';
import type { CoreContext, RequestContext } from '../core.js';
import type { Selectors, Target } from '../target.js';
import { referencesOf } from './node-references.js';

const pods = findResource('', 'v1', 'pods')!;

/**
 * What a node's certificate may read: of ConfigMaps and Secrets those by name that a pod bound to the node refers to, of
 * collections of pods its own. https://kubernetes.io/docs/reference/access-authn-authz/node/
 * Rejects with 403. `target` names the object if a field selector does.
 */
export async function admitNodesRead(
  context: Pick<CoreContext, 'cacher' | 'storage' | 'keyPrefix'>,
  { identity }: RequestContext,
  verb: Verb,
  target: Target,
  selectors?: Selectors,
): Promise<void> {
  const node = nodeNameOf(identity);
  const { group, plural } = target.resource;
  if (node === null || group !== '') return;
  const refuse = (why: string): never => {
    throw accessDenied({ user: identity.name, verb, target: { ...target, group, plural } }, why);
  };
  if (plural === 'pods' && selectors !== undefined) {
    const asked = parseFieldSelector(selectors.fieldSelector, target.resource).exactly('spec.nodeName');
    if (asked !== node) refuse('can only list/watch pods with spec.nodeName field selector');
  }
  if (plural !== 'configmaps' && plural !== 'secrets') return;
  if (target.name === '' || target.namespace === '') refuse('No Object name found');
  if (!(await isNeeded(context, node, target, plural)))
    refuse(`no relationship found between node '${node}' and this object`);
}

/** The cache mostly knows; it may lag behind the one through which the node heard of its pod, so the store has the last word. */
async function isNeeded(
  { cacher, storage, keyPrefix }: Pick<CoreContext, 'cacher' | 'storage' | 'keyPrefix'>,
  node: string,
  { namespace, name }: Target,
  plural: 'configmaps' | 'secrets',
): Promise<boolean> {
  const prefix = listPrefix(keyPrefix, pods, namespace);
  const some = (stored: readonly Stored[]): boolean =>
    stored.some(({ object }) => {
      const { spec } = object as unknown as Pod;
      return spec.nodeName === node && referencesOf(spec)[plural].has(name);
    });
  const cache = cacher(pods);
  await cache.ready();
  if (some(cache.list(prefix).items)) return true;
  return some((await storage.list(prefix, { limit: 0, known: cache.known })).items);
}
