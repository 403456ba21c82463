import type { KeySpace } from './key-space.js';
import { mvccLimits } from './limits.js';
import { assert, isTombstone, MvccError, revision, type KeyValue, type Revision } from './types.js';

/** Where the removal of compacted versions stands: the next change of the log to look at. */
export interface CompactionCursor {
  readonly revision: Revision;
  readonly sub: number;
}

/**
 * Compaction in two parts: readers are bound to the new revision at once; versions are removed in steps of bounded work,
 * one with each applied command, so that no compaction holds up the store.
 *
 * Looking at the changes up to compactRevision in order, each makes the older versions of its key superfluous; a tombstone
 * before compactRevision is superfluous itself. Changes at compactRevision stay in the log, since it can be watched from,
 * and are looked at again by the next compaction.
 *
 * Invariant: the cursor never goes back, but to the start of the revision that was the target when a new target comes.
 */
export class Compaction {
  readonly #space: KeySpace;
  #cursor: CompactionCursor;
  #pending: boolean;

  constructor(space: KeySpace, state?: { readonly cursor: CompactionCursor; readonly pending: boolean }) {
    this.#space = space;
    this.#cursor = state?.cursor ?? { revision: revision(0), sub: 0 };
    this.#pending = state?.pending ?? false;
  }

  get pending(): boolean {
    return this.#pending;
  }

  get cursor(): CompactionCursor {
    return this.#cursor;
  }

  /** The first change that the log holds. */
  get logStart(): CompactionCursor {
    const done = this.#cursor.revision === this.#space.compactRevision;
    return done ? { revision: this.#cursor.revision, sub: 0 } : this.#cursor;
  }

  /** Throws MvccError. */
  begin(at: number): void {
    if (at <= this.#space.compactRevision) throw new MvccError('compacted');
    if (at > this.#space.revision) throw new MvccError('future-revision');
    if (this.#cursor.revision === this.#space.compactRevision) {
      this.#cursor = { revision: this.#cursor.revision, sub: 0 };
    }
    this.#space.compactTo(revision(at));
    this.#pending = true;
  }

  /** Removes some of what is superfluous; calls `removed` for each version. */
  step(removed: (kv: KeyValue) => void): void {
    if (!this.#pending) return;
    const target = this.#space.compactRevision;
    let seen = 0;
    let next: CompactionCursor | undefined;
    const batch: KeyValue[] = [];
    this.#space.log.scan(this.#cursor.revision, this.#cursor.sub, (kv) => {
      if (kv.modRevision > target) return false;
      if (seen === mvccLimits.compactionEntriesPerStep) {
        next = { revision: kv.modRevision, sub: kv.sub };
        return false;
      }
      seen += 1;
      batch.push(kv);
      return true;
    });
    for (const kv of batch) this.#settle(kv, target, removed);
    this.#pending = next !== undefined;
    this.#cursor = next ?? { revision: target, sub: 0 };
  }

  #settle(kv: KeyValue, target: Revision, removed: (kv: KeyValue) => void): void {
    const space = this.#space;
    const forget = (gone: KeyValue): void => {
      space.forgotten(gone);
      removed(gone);
    };
    for (const gone of space.index.dropBefore(kv, target)) forget(gone);
    if (kv.modRevision === target) return;
    assert(space.log.first() === kv, 'compaction removes from the front of the log');
    space.log.shift();
    if (!isTombstone(kv)) return;
    space.index.dropTombstone(kv);
    forget(kv);
  }
}
