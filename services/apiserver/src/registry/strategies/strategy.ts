import type { FieldError, KubeObject } from '@raftsman/api';
import type { WriteExtras } from '../../storage/storage.js';
import type { CoreContext, RequestContext } from '../core.js';

/** Claims that turned out to be another's since the plan was made. */
export type Taken = ReadonlySet<string>;

/**
 * What one kind does beyond the rest. All parts are optional; objects that they get are theirs to change unless said
 * otherwise. What they throw (an ApiError) refuses the request.
 */
export interface Strategy {
  /** Sets what clients may not set; runs before defaults. */
  readonly prepareCreate?: (object: KubeObject) => void;
  /** Likewise for a write to the object itself; `old` is read-only. */
  readonly prepareUpdate?: (object: KubeObject, old: KubeObject) => void;
  /** Admission: further defaults and refusals that need more than the object. */
  readonly admitCreate?: (
    context: CoreContext,
    request: RequestContext,
    object: KubeObject,
  ) => void | Promise<void>;
  /** `old` is read-only. Also runs for subresources. */
  readonly admitUpdate?: (
    context: CoreContext,
    request: RequestContext,
    object: KubeObject,
    old: KubeObject,
  ) => void;
  readonly admitDelete?: (context: CoreContext, request: RequestContext, object: KubeObject) => void;
  readonly validate?: (object: KubeObject, old: KubeObject | null) => readonly FieldError[];
  /** What is written with the object; may fill in what it allocates. Runs again with more `taken` if a claim was lost. */
  readonly extras?: (
    context: CoreContext,
    object: KubeObject,
    old: KubeObject | null,
    taken: Taken,
  ) => Promise<WriteExtras>;
  /** What the object's deletion releases. */
  readonly releases?: (context: CoreContext, object: KubeObject) => readonly string[];
  /** How long a deletion leaves the object; absent: it goes at once. */
  readonly gracePeriodSeconds?: (object: KubeObject, requested: number | undefined) => number;
  /** Whether more than metadata.finalizers keeps an object that is being deleted. */
  readonly keepsDeleted?: (object: KubeObject) => boolean;
  /** Runs when an object is marked as deleted. */
  readonly markDeleted?: (object: KubeObject) => void;
  /** A PUT without metadata.resourceVersion is refused. */
  readonly updateNeedsVersion?: boolean;
}
