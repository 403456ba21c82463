import type { KeyValue, KvEvent } from '../kv/types.js';

/** What a client asked for. */
export interface WatchRequest {
  readonly key: string;
  /** Absent: the one key; else all in [key, end). */
  readonly end?: string;
  /** Inclusive; 0: from what the store is at when the watch is created. */
  readonly startRevision: number;
  readonly noPut?: boolean;
  readonly noDelete?: boolean;
  readonly prevKv?: boolean;
}

/** `previous`: as the server told it with `prevKv`; null where it told none. */
export interface WatchedEvent extends KvEvent {
  readonly previous: KeyValue | null;
  readonly isCreate: boolean;
}

/** One message of a watch. `atMs`: when it came, by the recorder's clock. `revision`: the header's. */
export type WatchResponse =
  | { readonly kind: 'created'; readonly atMs: number; readonly revision: number }
  | {
      readonly kind: 'events';
      readonly atMs: number;
      readonly revision: number;
      readonly events: readonly WatchedEvent[];
    }
  /** Nothing at or below `revision` is still to come. */
  | { readonly kind: 'progress'; readonly atMs: number; readonly revision: number }
  | {
      readonly kind: 'canceled';
      readonly atMs: number;
      /** 0: not for compaction. */
      readonly compactRevision: number;
      readonly reason: string;
    };

/** One watch from its creation to its end (canceled, or its stream broke). A client that goes on after a break makes another. */
export interface WatchRecord {
  readonly id: string;
  readonly request: WatchRequest;
  readonly responses: readonly WatchResponse[];
}

/** A compaction that was asked for, at `startMs`; what is older than `revision` may be gone from then on. */
export interface Compaction {
  readonly startMs: number;
  readonly revision: number;
}
