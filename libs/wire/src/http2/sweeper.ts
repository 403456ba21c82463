/** What is looked at every now and then. */
export interface Swept {
  sweep(): void;
}

export interface SweeperOptions {
  readonly intervalMs: number;
  /** Looked at in one turn of the event loop. */
  readonly batchMax: number;
}

/**
 * Looks at all that it has, every so often, in as many turns of the event loop as that takes: ten thousand clients that fell silent together must not be
 * written to in one. A round that takes longer than the interval is not overtaken by the next one.
 */
export class Sweeper<T extends Swept> {
  readonly #options: SweeperOptions;
  readonly #all = new Set<T>();
  #timer: NodeJS.Timeout | undefined;
  #next: NodeJS.Immediate | undefined;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#all.values();
  }

  add(one: T): void {
    this.#all.add(one);
    this.#timer ??= setInterval(() => {
      if (this.#next === undefined) this.#sweep(this.#all.values());
    }, this.#options.intervalMs);
  }

  delete(one: T): void {
    this.#all.delete(one);
    if (this.#all.size > 0) return;
    clearInterval(this.#timer);
    clearImmediate(this.#next);
    this.#timer = undefined;
    this.#next = undefined;
  }

  /** `left`: of this round; it follows what is added and deleted meanwhile. */
  #sweep(left: Iterator<T>): void {
    this.#next = undefined;
    for (let count = 0; count < this.#options.batchMax; count += 1) {
      const { value, done } = left.next();
      if (done === true) return;
      value.sweep();
    }
    this.#next = setImmediate(() => this.#sweep(left));
  }
}
