import { ApiError, findResource, forbidden, notFound, type KubeObject } from '@raftsman/api';
import { objectKey } from '../../storage/keys.js';
import type { CoreContext } from '../core.js';
import { isDeleting } from '../model.js';
import type { Target } from '../target.js';

/**
 * Nothing is made in a namespace that is not there (404) or is going (403). The cache decides what exists; that a
 * namespace is missing from it is checked with the store, since the cache may lag.
 */
export async function admitIntoNamespace(context: CoreContext, target: Target, name: string): Promise<void> {
  const { resource, namespace } = target;
  if (!resource.namespaced) return;
  const namespaces = findResource('', 'v1', 'namespaces')!;
  const found = await findNamespace(context, namespace);
  if (found === null) throw notFound(namespaces, namespace);
  if (!isDeleting(found)) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const refusal = forbidden(resource, name, why);
  throw new ApiError({
    ...refusal.status,
    details: {
      ...refusal.status.details,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  });
}

async function findNamespace(context: CoreContext, name: string): Promise<KubeObject | null> {
  const namespaces = findResource('', 'v1', 'namespaces')!;
  const key = objectKey(context.keyPrefix, namespaces, '', name);
  const cacher = context.cacher(namespaces);
  await cacher.ready();
  return cacher.get(key) ?? (await context.storage.get(key))?.object ?? null;
}
