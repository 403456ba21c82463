import type { OwnerReference } from '@raftsman/api';
import type { ObjectLike, Stored } from '@raftsman/client';

/** What ownerReferences mean for an object. Pure. https://kubernetes.io/docs/concepts/architecture/garbage-collection/ */

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

/** `waiting`: the owner is being deleted in the foreground and waits for this dependent. `unknown`: of a kind that is not served. */
export type OwnerState = 'present' | 'waiting' | 'absent' | 'unknown';

export type Propagation = 'Foreground' | 'Background' | 'Orphan';

export type Verdict =
  | { readonly kind: 'keep' }
  /** References that hold nothing any more go, the object stays. */
  | { readonly kind: 'unlink'; readonly uids: ReadonlySet<string> }
  | { readonly kind: 'delete'; readonly propagation: Propagation };

/** One owner that is there keeps an object alive; without any it goes, in the way its owner went or its own finalizers say. */
export function decideDependent(
  object: Stored<ObjectLike>,
  owners: readonly { readonly reference: OwnerReference; readonly state: OwnerState }[],
  hasDependents: boolean,
): Verdict {
  if (owners.length === 0 || object.metadata.deletionTimestamp !== undefined) return { kind: 'keep' };
  const solid = owners.filter(({ state }) => state === 'present' || state === 'unknown');
  const waiting = owners.filter(({ state }) => state === 'waiting');
  const loose = owners.filter(({ state }) => state === 'absent' || state === 'waiting');
  if (solid.length > 0) {
    const uids = new Set(loose.map(({ reference }) => reference.uid));
    return uids.size === 0 ? { kind: 'keep' } : { kind: 'unlink', uids };
  }
  if (waiting.length > 0 && hasDependents) return { kind: 'delete', propagation: 'Foreground' };
  return { kind: 'delete', propagation: ownPropagation(object) };
}

function ownPropagation({ metadata: { finalizers = [] } }: Stored<ObjectLike>): Propagation {
  if (finalizers.includes(orphanFinalizer)) return 'Orphan';
  return finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background';
}

/** What an object that is being deleted waits for us to do; in this order, should it have both finalizers. */
export function pendingWork({ metadata }: Stored<ObjectLike>): 'orphan' | 'foreground' | undefined {
  if (metadata.deletionTimestamp === undefined) return undefined;
  if (metadata.finalizers?.includes(orphanFinalizer) === true) return 'orphan';
  return metadata.finalizers?.includes(foregroundFinalizer) === true ? 'foreground' : undefined;
}

/** Dependents that hold up their owner's deletion in the foreground. */
export const blocking = (uid: string, dependents: readonly Stored<ObjectLike>[]): Stored<ObjectLike>[] =>
  dependents.filter(({ metadata }) =>
    metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
  );

export const withoutOwners = <T extends ObjectLike>(
  object: Stored<T>,
  uids: ReadonlySet<string>,
): Stored<T> => ({
  ...object,
  metadata: {
    ...object.metadata,
    ownerReferences: (object.metadata.ownerReferences ?? []).filter(({ uid }) => !uids.has(uid)),
  },
});

export const withoutFinalizer = <T extends ObjectLike>(object: Stored<T>, finalizer: string): Stored<T> => ({
  ...object,
  metadata: {
    ...object.metadata,
    finalizers: (object.metadata.finalizers ?? []).filter((each) => each !== finalizer),
  },
});

/** Whether a change of an object can change any verdict. */
export function matters(before: Stored<ObjectLike> | undefined, after: Stored<ObjectLike>): boolean {
  const shown = ({ metadata }: Stored<ObjectLike>): string =>
    JSON.stringify([
      metadata.ownerReferences ?? [],
      metadata.finalizers ?? [],
      metadata.deletionTimestamp ?? '',
    ]);
  const nothing = JSON.stringify([[], [], '']);
  return shown(after) !== (before === undefined ? nothing : shown(before));
}
