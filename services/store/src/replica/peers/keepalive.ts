import { storeLimits } from '../../limits.js';

export interface Swept {
  sweep(): void;
}

/** One timer for all streams of a member, while there are any. */
export class Keepalive {
  readonly #streams = new Set<Swept>();
  #timer: NodeJS.Timeout | undefined;

  add(stream: Swept): void {
    this.#streams.add(stream);
    this.#timer ??= setInterval(() => {
      for (const each of this.#streams) each.sweep();
    }, storeLimits.peerSweepMs);
  }

  remove(stream: Swept): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
