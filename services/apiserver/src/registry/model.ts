import { isDeepStrictEqual } from 'node:util';
import { semanticEqual, type KubeObject } from '@raftsman/api';

/** Small readings of any object. */

export const nameOf = (object: KubeObject): string => object.metadata.name ?? '';
export const finalizersOf = (object: KubeObject): readonly string[] => object.metadata.finalizers ?? [];
export const isDeleting = (object: KubeObject): boolean => object.metadata.deletionTimestamp !== undefined;

/** RFC 3339 with seconds, as metav1.Time is written. */
export const timestamp = (nowMs: number): string => new Date(nowMs).toISOString().replace(/\.\d{3}Z$/, 'Z');

/** Whether anything but the bookkeeping differs: a write that changes nothing is not made. */
export function sameButBookkeeping(left: KubeObject, right: KubeObject): boolean {
  return (
    isDeepStrictEqual(ownersOf(left), ownersOf(right)) &&
    semanticEqual(withoutBookkeeping(left), withoutBookkeeping(right))
  );
}

function withoutBookkeeping(object: KubeObject): KubeObject {
  const { managedFields: _, resourceVersion: __, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Who manages which fields, whenever. */
function ownersOf(object: KubeObject): unknown {
  return (object.metadata.managedFields ?? []).map((entry) => ({ ...entry, time: undefined }));
}

/** Whether what the object asks for differs: everything but metadata and status. */
export function sameSpec(left: KubeObject, right: KubeObject): boolean {
  const spec = (object: KubeObject): unknown => ({ ...object, metadata: undefined, status: undefined });
  return semanticEqual(spec(left), spec(right));
}
