import type { KubeObject } from '@raftsman/api';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';

/** What a watcher is told. One instance serves all watchers, so that its object is encoded at most once. */
export class WatchEvent {
  readonly type: WatchEventType;
  /** Shared: nobody may change it. */
  readonly object: KubeObject;
  #json: string | null = null;

  constructor(type: WatchEventType, object: KubeObject) {
    this.type = type;
    this.object = object;
  }

  /** The object's JSON. */
  get json(): string {
    this.#json ??= JSON.stringify(this.object);
    return this.#json;
  }
}

/** Whether an object is in a watcher's sight: its namespace and its selectors. */
export type Matcher = (object: KubeObject) => boolean;

/** A change of one key, with the state before it. Exactly one of `current` and `previous` may be null. */
export class CacheEvent {
  readonly key: string;
  readonly revision: number;
  readonly current: KubeObject | null;
  readonly previous: KubeObject | null;
  #added: WatchEvent | null = null;
  #modified: WatchEvent | null = null;
  #deleted: WatchEvent | null = null;

  constructor(key: string, revision: number, current: KubeObject | null, previous: KubeObject | null) {
    this.key = key;
    this.revision = revision;
    this.current = current;
    this.previous = previous;
  }

  /**
   * What the change is to a watcher: an object that comes into its sight is ADDED, one that leaves it DELETED with its
   * last state in sight and the revision of the change. null: nothing to it.
   */
  seenBy(matches: Matcher): WatchEvent | null {
    const now = this.current !== null && matches(this.current);
    const before = this.previous !== null && matches(this.previous);
    if (now) {
      return before
        ? (this.#modified ??= new WatchEvent('MODIFIED', this.current))
        : (this.#added ??= new WatchEvent('ADDED', this.current));
    }
    if (!before) return null;
    return (this.#deleted ??= new WatchEvent('DELETED', atRevision(this.previous, this.revision)));
  }
}

function atRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
