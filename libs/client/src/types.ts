import type { ObjectMeta, Resource } from '@raftsman/api';

/** What the client needs to know of a kind; every `Resource` is one. */
export type ResourceType = Pick<Resource, 'group' | 'version' | 'kind' | 'plural' | 'namespaced'>;

/** An object as a caller writes it. */
export interface ObjectLike {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

export type StoredMeta = ObjectMeta & {
  name: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
};

/** An object as the API answers it. Objects from a cache are shared: never change one, copy it. */
export type Stored<T> = Omit<T, 'apiVersion' | 'kind' | 'metadata'> & {
  apiVersion: string;
  kind: string;
  metadata: StoredMeta;
};

/** `namespace` is absent for cluster scope. */
export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Ends the call. */
  readonly signal?: AbortSignal | undefined;
}

export interface ObjectList<T> {
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
  readonly items: Stored<T>[];
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Stored<T> }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/** "namespace/name", or "name" for cluster scope: the key of caches and queues. */
export function keyOf(object: { readonly metadata?: ObjectMeta | undefined }): string {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}
