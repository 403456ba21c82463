import type { Resource } from '@raftsman/api';

/** What a request is about: one object, or (without a name) a collection. */
export interface Target {
  readonly resource: Resource;
  /** Empty: cluster scope, or all namespaces. */
  readonly namespace: string;
  /** Empty: the collection. */
  readonly name: string;
  /** Empty: the object itself. */
  readonly subresource: string;
}

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** A request's body as it came. */
export interface Body {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

export interface WriteOptions {
  /** Everything but the write itself happens. */
  readonly dryRun: boolean;
  /** Empty: taken from the client's name. */
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  /** An apply takes over fields that others own. */
  readonly force: boolean;
}

export type PropagationPolicy = 'Orphan' | 'Background' | 'Foreground';

export interface DeleteOptions {
  readonly dryRun: boolean;
  /** undefined: what the object's kind says. */
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: PropagationPolicy | undefined;
  /** Empty: any. */
  readonly preconditionUid: string;
  readonly preconditionResourceVersion: string;
}

export interface Selectors {
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

export interface ListOptions extends Selectors {
  /** Empty: the newest; `0`: what the cache has; else at least or exactly that, as `resourceVersionMatch` says. */
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  /** 0: no limit. */
  readonly limit: number;
  readonly continueToken: string;
}

export interface WatchOptions extends Selectors {
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly allowBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
}
