import type { LabelSelector, OwnerReference } from '@raftsman/api';
import type { ObjectLike, Stored } from '@raftsman/client';
import { matchesSelector } from './pods.js';

/** Who manages what, by ownerReferences and selectors. Pure. */

export const controllerOf = (object: Stored<ObjectLike>): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true);

/** The reference that makes `owner` the controller of an object. */
export const controllerReference = (owner: Stored<unknown>): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

export interface Claim<T extends ObjectLike> {
  /** Ours already. */
  readonly owned: Stored<T>[];
  /** Match the selector and have no controller. */
  readonly adopt: Stored<T>[];
  /** Ours by reference, but the selector does not match any more. */
  readonly release: Stored<T>[];
}

/** Sorts candidates into those that are the owner's, that should become so, and that should not be any more. */
export function claim<T extends ObjectLike>(
  owner: Stored<ObjectLike>,
  selector: LabelSelector,
  candidates: readonly Stored<T>[],
): Claim<T> {
  const result: { owned: Stored<T>[]; adopt: Stored<T>[]; release: Stored<T>[] } = {
    owned: [],
    adopt: [],
    release: [],
  };
  const going = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const controller = controllerOf(object);
    const matches = matchesSelector(selector, object.metadata.labels);
    if (controller?.uid === owner.metadata.uid) {
      if (matches) result.owned.push(object);
      else if (!going) result.release.push(object);
    } else if (
      controller === undefined &&
      matches &&
      !going &&
      object.metadata.deletionTimestamp === undefined
    ) {
      result.adopt.push(object);
    }
  }
  return result;
}

export const adopted = <T extends ObjectLike>(object: Stored<T>, owner: Stored<unknown>): Stored<T> => ({
  ...object,
  metadata: {
    ...object.metadata,
    ownerReferences: [...(object.metadata.ownerReferences ?? []), controllerReference(owner)],
  },
});

export const released = <T extends ObjectLike>(object: Stored<T>, owner: Stored<unknown>): Stored<T> => ({
  ...object,
  metadata: {
    ...object.metadata,
    ownerReferences: (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid),
  },
});
