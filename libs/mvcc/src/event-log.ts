import { mvccLimits } from './limits.js';
import type { KeyValue, Revision } from './types.js';

/** Every change in order of (modRevision, sub), from the compacted revision on: what watchers replay. */
export class EventLog {
  readonly #chunks: KeyValue[][] = [];
  /** Entries of the first chunk that are already dropped. */
  #dropped = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(kv: KeyValue): void {
    const last = this.#chunks.at(-1);
    if (last === undefined || last.length >= mvccLimits.logChunkEntriesMax) this.#chunks.push([kv]);
    else last.push(kv);
    this.#size += 1;
  }

  first(): KeyValue | undefined {
    return this.#chunks[0]?.[this.#dropped];
  }

  shift(): void {
    const chunk = this.#chunks[0];
    if (chunk === undefined) return;
    this.#size -= 1;
    this.#dropped += 1;
    if (this.#dropped < chunk.length) return;
    this.#chunks.shift();
    this.#dropped = 0;
  }

  /** Calls `visit` from the first change at or after (from, sub) on, until it answers false. */
  scan(from: Revision, sub: number, visit: (kv: KeyValue) => boolean): void {
    let chunkAt = Math.max(this.#firstChunkAfter(from, sub) - 1, 0);
    let at = chunkAt === 0 ? this.#dropped : 0;
    for (; chunkAt < this.#chunks.length; chunkAt += 1, at = 0) {
      const chunk = this.#chunks[chunkAt]!;
      if (isBefore(chunk[at]!, from, sub)) at = firstAtOrAfter(chunk, at, from, sub);
      for (; at < chunk.length; at += 1) if (!visit(chunk[at]!)) return;
    }
  }

  /** The first chunk that begins at or after (from, sub). */
  #firstChunkAfter(from: Revision, sub: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(this.#chunks[middle]![0]!, from, sub)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isBefore(kv: KeyValue, from: Revision, sub: number): boolean {
  return kv.modRevision < from || (kv.modRevision === from && kv.sub < sub);
}

function firstAtOrAfter(chunk: readonly KeyValue[], start: number, from: Revision, sub: number): number {
  let low = start;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(chunk[middle]!, from, sub)) low = middle + 1;
    else high = middle;
  }
  return low;
}
