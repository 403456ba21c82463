import type { HistoryEvent } from './lines.js';
import type { Operation, Outcome } from './operation.js';

/** The open end of one call; the first of the three counts, later ones are bugs of the caller and throw. */
export interface Call<Output> {
  ok(output: Output): void;
  fail(error: string): void;
  unknown(error: string): void;
}

interface Entry<Input, Output> {
  readonly id: number;
  readonly process: number;
  readonly startMs: number;
  readonly input: Input;
  outcome: Outcome<Output> | null;
}

/**
 * Writes down invocations and completions in the order in which they happened. `now`: a monotonic clock in milliseconds, read before the request
 * leaves and after its answer came, so that the recorded interval holds the true one. `sink` gets each event at once, for a file that outlives a crash.
 */
export class Recorder<Input, Output> {
  readonly #now: () => number;
  readonly #sink: (event: HistoryEvent<Input, Output>) => void;
  #entries: Entry<Input, Output>[] = [];
  #lastId = 0;

  constructor(now: () => number, sink: (event: HistoryEvent<Input, Output>) => void = () => undefined) {
    this.#now = now;
    this.#sink = sink;
  }

  get size(): number {
    return this.#entries.length;
  }

  invoke(process: number, input: Input): Call<Output> {
    const entry: Entry<Input, Output> = {
      id: ++this.#lastId,
      process,
      startMs: this.#now(),
      input,
      outcome: null,
    };
    this.#entries.push(entry);
    this.#sink({ id: entry.id, process, atMs: entry.startMs, kind: 'invoke', input });
    const complete = (outcome: Outcome<Output>, event: HistoryEvent<Input, Output>): void => {
      if (entry.outcome !== null) throw new Error(`operation ${entry.id} was completed twice`);
      entry.outcome = outcome;
      this.#sink(event);
    };
    const common = { id: entry.id, process };
    return {
      ok: (output) => {
        const atMs = this.#now();
        complete({ kind: 'ok', endMs: atMs, output }, { ...common, atMs, kind: 'ok', output });
      },
      fail: (error) => {
        const atMs = this.#now();
        complete({ kind: 'fail', endMs: atMs, error }, { ...common, atMs, kind: 'fail', error });
      },
      unknown: (error) =>
        complete({ kind: 'unknown', error }, { ...common, atMs: this.#now(), kind: 'unknown', error }),
    };
  }

  /** All operations so far, forgotten by the recorder; those under way count as unknown, and completing them later changes nothing. */
  take(): readonly Operation<Input, Output>[] {
    const taken = this.#entries;
    this.#entries = [];
    return taken.map(({ process, startMs, input, outcome }) => ({
      process,
      startMs,
      input,
      outcome: outcome ?? { kind: 'unknown', error: 'under way at the end of the history' },
    }));
  }
}
