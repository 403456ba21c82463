import { isConflict, isNotFound, type ObjectLike, type ResourceClient, type Stored } from '@raftsman/client';
import { adopted, released, type Claim } from './ownership.js';

/**
 * Carries a claim out and answers what the owner has then. An adoption asks the API first whether the owner still is, in this
 * incarnation and not on its way out: a cache may not know yet. What changed meanwhile is left for the next reconcile.
 */
export async function carryOutClaim<O extends ObjectLike, T extends ObjectLike>(
  owner: Stored<O>,
  owners: ResourceClient<O>,
  { owned, adopt, release }: Claim<T>,
  objects: ResourceClient<T>,
): Promise<Stored<T>[]> {
  const result = [...owned];
  for (const object of release) {
    await tolerating(() => objects.update(released(object, owner)));
  }
  if (adopt.length === 0 || !(await mayAdopt(owner, owners))) return result;
  for (const object of adopt) {
    const now = await tolerating(() => objects.update(adopted(object, owner)));
    if (now !== undefined) result.push(now);
  }
  return result;
}

async function mayAdopt<O extends ObjectLike>(owner: Stored<O>, owners: ResourceClient<O>): Promise<boolean> {
  const { namespace, name, uid } = owner.metadata;
  const live = await tolerating(() => owners.get({ namespace, name }));
  return live?.metadata.uid === uid && live.metadata.deletionTimestamp === undefined;
}

/** Undefined where the object changed or went: a watch event of it is on the way and brings us back. */
async function tolerating<T>(write: () => Promise<T>): Promise<T | undefined> {
  try {
    return await write();
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return undefined;
    throw error;
  }
}
