import type { KubeObject, Resource, Status } from '@raftsman/api';
import type { Cacher } from '../cacher/cacher.js';
import type { Watcher } from '../cacher/watcher.js';
import type { Identity } from '../auth/identity.js';
import type { Authorizer } from '../auth/authorizer.js';
import type { ServiceAllocator } from './allocation/service-allocator.js';
import type { Storage } from '../storage/storage.js';
import type {
  Body,
  DeleteOptions,
  ListOptions,
  Selectors,
  Target,
  WatchOptions,
  WriteOptions,
} from './target.js';

/** What the verbs work with; built once (run.ts). */
export interface CoreContext {
  readonly storage: Storage;
  readonly keyPrefix: string;
  readonly cacher: (resource: Resource) => Cacher;
  readonly authorizer: Authorizer;
  readonly allocator: ServiceAllocator;
  /** The lease that Events are written under. */
  readonly eventLease: () => Promise<string>;
  readonly tolerations: { readonly notReadySeconds: number; readonly unreachableSeconds: number };
  /** The rows of `componentstatuses`. */
  readonly componentStatuses: () => Promise<readonly KubeObject[]>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly uuid: () => string;
  /** [0, max) */
  readonly random: (max: number) => number;
}

/** What one request brings along. */
export interface RequestContext {
  readonly identity: Identity;
  /** For `fieldManager` where the request names none. */
  readonly userAgent: string;
}

export interface ListResult {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  /** Empty: that was all. */
  readonly continueToken: string;
  readonly remainingItemCount: number | undefined;
}

export interface WriteResult {
  readonly object: KubeObject | Status;
  readonly created: boolean;
  /** For the Warning header. */
  readonly warnings: readonly string[];
}

/** Every operation of the API; REST and gRPC are two faces of it. All reject with an ApiError or a StorageError. */
export interface Core {
  get(request: RequestContext, target: Target, resourceVersion: string): Promise<KubeObject>;
  list(request: RequestContext, target: Target, options: ListOptions): Promise<ListResult>;
  watch(request: RequestContext, target: Target, options: WatchOptions): Promise<Watcher>;
  create(request: RequestContext, target: Target, body: Body, options: WriteOptions): Promise<WriteResult>;
  update(request: RequestContext, target: Target, body: Body, options: WriteOptions): Promise<WriteResult>;
  patch(request: RequestContext, target: Target, body: Body, options: WriteOptions): Promise<WriteResult>;
  delete(request: RequestContext, target: Target, options: DeleteOptions): Promise<WriteResult>;
  deleteCollection(
    request: RequestContext,
    target: Target,
    selectors: Selectors,
    options: DeleteOptions,
  ): Promise<ListResult>;
}
