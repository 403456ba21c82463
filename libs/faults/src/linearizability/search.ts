import { isAnswered, type Answered, type Operation } from '../history/operation.js';
import { faultLimits } from '../limits.js';
import type { Model } from './model.js';

/** How far a check may go before it answers `unknown`. */
export interface Budget {
  /** Milliseconds, any origin. */
  readonly now: () => number;
  readonly deadlineMs: number;
  readonly configurationsMax: number;
}

export type SearchResult<Input, Output> =
  | { readonly kind: 'linearizable'; readonly order: readonly Operation<Input, Output>[] }
  | {
      readonly kind: 'not-linearizable';
      /** The longest order that was found, */
      readonly longest: readonly Operation<Input, Output>[];
      /** and the answered operations one of which had to be next, but none fits. */
      readonly stuck: readonly Operation<Input, Output>[];
    }
  | { readonly kind: 'unknown'; readonly reason: 'time' | 'memory' };

interface Choice<State> {
  /** Index into the answered operations, or into the open ones. */
  readonly index: number;
  readonly open: boolean;
  readonly state: State;
}

interface Frame<State> {
  readonly state: State;
  /** The choice that led here; null at the root. */
  readonly taken: Choice<State> | null;
  readonly base: number;
  readonly choices: readonly Choice<State>[];
  next: number;
}

/**
 * Wing and Gong's search with Lowe's memoised configurations: depth first over "which of those that may be next is next", never twice from one
 * configuration (what is placed, and the state). Operations of unknown outcome stay open for good: they may be placed anywhere after their invocation, or nowhere.
 * A configuration is written down as the first unplaced operation, the few placed beyond it, the open ones placed, and the state: its size does not grow with the history.
 */
export class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #budget: Budget;
  /** By invocation. */
  readonly #answered: readonly Answered<Input, Output>[];
  readonly #open: readonly Operation<Input, Output>[];
  readonly #placed: Uint8Array;
  readonly #openPlaced: Uint8Array;
  readonly #seen = new Set<string>();
  readonly #stack: Frame<State>[] = [];
  /** Answered operations before it are all placed. */
  #base = 0;
  #placedCount = 0;
  #longest: {
    readonly count: number;
    order: readonly Operation<Input, Output>[];
    stuck: readonly Operation<Input, Output>[];
  } = {
    count: -1,
    order: [],
    stuck: [],
  };

  constructor(
    model: Model<State, Input, Output>,
    operations: readonly Operation<Input, Output>[],
    budget: Budget,
  ) {
    this.#model = model;
    this.#budget = budget;
    this.#answered = operations.filter(isAnswered).sort((a, b) => a.startMs - b.startMs);
    this.#open = operations
      .filter(({ outcome }) => outcome.kind === 'unknown')
      .sort((a, b) => a.startMs - b.startMs);
    this.#placed = new Uint8Array(this.#answered.length);
    this.#openPlaced = new Uint8Array(this.#open.length);
  }

  run(): SearchResult<Input, Output> {
    const { now, deadlineMs, configurationsMax } = this.#budget;
    this.#push(this.#model.initial(), null);
    for (let steps = 1; ; steps += 1) {
      const frame = this.#stack.at(-1);
      if (frame === undefined)
        return { kind: 'not-linearizable', longest: this.#longest.order, stuck: this.#longest.stuck };
      if (this.#base === this.#answered.length) return { kind: 'linearizable', order: this.#order() };
      if (this.#seen.size > configurationsMax) return { kind: 'unknown', reason: 'memory' };
      if (steps % faultLimits.stepsBetweenLooks === 0 && now() > deadlineMs)
        return { kind: 'unknown', reason: 'time' };
      const choice = frame.choices[frame.next];
      frame.next += 1;
      if (choice === undefined) this.#backtrack(frame);
      else this.#take(frame, choice);
    }
  }

  #take(frame: Frame<State>, choice: Choice<State>): void {
    this.#place(choice, 1);
    // What follows a read was not reached another way: there was no other choice.
    const isForced = frame.choices.length === 1;
    if (!isForced) {
      const key = this.#configuration(choice.state);
      if (this.#seen.has(key)) {
        this.#place(choice, 0);
        this.#base = frame.base;
        return;
      }
      this.#seen.add(key);
    }
    this.#push(choice.state, choice);
  }

  #push(state: State, taken: Choice<State> | null): void {
    while (this.#placed[this.#base] === 1) this.#base += 1;
    this.#stack.push({ state, taken, base: this.#base, choices: this.#choices(state), next: 0 });
  }

  #backtrack(frame: Frame<State>): void {
    if (frame.choices.length === 0 && this.#placedCount > this.#longest.count)
      this.#longest = { count: this.#placedCount, order: this.#order(), stuck: this.#window().operations };
    this.#stack.pop();
    if (frame.taken !== null) this.#place(frame.taken, 0);
    this.#base = this.#stack.at(-1)?.base ?? 0;
  }

  #place({ index, open }: Choice<State>, value: 0 | 1): void {
    if (open) this.#openPlaced[index] = value;
    else {
      this.#placed[index] = value;
      this.#placedCount += value === 1 ? 1 : -1;
    }
  }

  /** Those that may be next: nothing unplaced had ended before they began. */
  #window(): {
    readonly operations: readonly Answered<Input, Output>[];
    readonly indices: readonly number[];
    readonly endMs: number;
  } {
    let endMs = Infinity;
    const indices: number[] = [];
    for (let i = this.#base; i < this.#answered.length; i += 1) {
      const { startMs, outcome } = this.#answered[i]!;
      if (startMs > endMs) break;
      if (this.#placed[i] === 1) continue;
      indices.push(i);
      endMs = Math.min(endMs, outcome.endMs);
    }
    // `endMs` only falls along the way, and starts only rise: what was let in too early is at the end.
    while (indices.length > 0 && this.#answered[indices.at(-1)!]!.startMs > endMs) indices.pop();
    return { operations: indices.map((i) => this.#answered[i]!), indices, endMs };
  }

  /** What may be next and fits `state`: a read that fits alone, else first what had to end first, and what nobody heard of last. */
  #choices(state: State): readonly Choice<State>[] {
    const { indices, endMs } = this.#window();
    const choices: Choice<State>[] = [];
    const byEnd = indices.toSorted(
      (a, b) => this.#answered[a]!.outcome.endMs - this.#answered[b]!.outcome.endMs,
    );
    for (const index of byEnd) {
      const { input, outcome } = this.#answered[index]!;
      const states = this.#model.step(state, input, outcome.output);
      if (states.length === 1 && states[0] === state) return [{ index, open: false, state }];
      for (const next of states) choices.push({ index, open: false, state: next });
    }
    for (const [index, { input, startMs }] of this.#open.entries()) {
      if (startMs > endMs) break;
      if (this.#openPlaced[index] === 1) continue;
      for (const next of this.#model.step(state, input, undefined))
        // Without effect here it is as good as not placed.
        if (next !== state) choices.push({ index, open: true, state: next });
    }
    return choices;
  }

  #configuration(state: State): string {
    let base = this.#base;
    while (this.#placed[base] === 1) base += 1;
    const beyond: number[] = [];
    for (let i = base, left = this.#placedCount - base; left > 0; i += 1) {
      if (this.#placed[i] !== 1) continue;
      beyond.push(i - base);
      left -= 1;
    }
    const open: number[] = [];
    for (const [i, placed] of this.#openPlaced.entries()) if (placed === 1) open.push(i);
    return `${base};${beyond.join()};${open.join()};${this.#model.key(state)}`;
  }

  #order(): readonly Operation<Input, Output>[] {
    return this.#stack.flatMap(({ taken }) => {
      if (taken === null) return [];
      return [taken.open ? this.#open[taken.index]! : this.#answered[taken.index]!];
    });
  }
}
