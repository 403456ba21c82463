import { sameEvent, type KvEvent } from '@raftsman/faults';

interface Seen {
  readonly events: readonly KvEvent[];
  readonly firstMs: number;
}

/**
 * What happened, as those saw it who watch everything: one observer for each member, who go on where they were after every break. Compaction stays
 * behind the foremost of them, so that together they miss nothing.
 */
export class Truth {
  readonly #seen = new Map<number, Seen>();
  #newest = 1;

  /** The highest revision that an observer has been told. */
  get newest(): number {
    return this.#newest;
  }

  /** All events of one revision, as one observer was told them. Answers what contradicts other observers. */
  observed(revision: number, events: readonly KvEvent[], atMs: number): string | null {
    const seen = this.#seen.get(revision);
    this.#newest = Math.max(this.#newest, revision);
    if (seen === undefined) {
      this.#seen.set(revision, { events, firstMs: atMs });
      return null;
    }
    const isSame =
      seen.events.length === events.length && seen.events.every((event, i) => sameEvent(event, events[i]!));
    if (isSame) return null;
    return `two observers saw revision ${revision} differently: ${JSON.stringify(seen.events)} and ${JSON.stringify(events)}`;
  }

  /** Somebody else saw events of this revision, perhaps not all. */
  sawSome(revision: number, atMs: number): void {
    const seen = this.#seen.get(revision);
    if (seen !== undefined && atMs < seen.firstMs) this.#seen.set(revision, { ...seen, firstMs: atMs });
  }

  events(revision: number): readonly KvEvent[] | null {
    return this.#seen.get(revision)?.events ?? null;
  }

  seenMs(revision: number): number {
    return this.#seen.get(revision)?.firstMs ?? Infinity;
  }

  /** Frees what is below: it has been judged. */
  forgetBelow(revision: number): void {
    for (const known of this.#seen.keys()) if (known < revision) this.#seen.delete(known);
  }
}
