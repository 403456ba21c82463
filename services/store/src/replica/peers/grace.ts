/** How long that is kept which a cut stream leaves. Only a stream that got further than all before buys more time, so that nobody resumes for ever. */
export class Grace {
  readonly #keepMs: number;
  #untilMs = 0;
  #reachedRowCount = -1;

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** Answers for how many milliseconds from `nowMs`, of any clock that only goes forward. */
  cutAfter(rowCount: number, nowMs: number): number {
    if (rowCount > this.#reachedRowCount) {
      this.#reachedRowCount = rowCount;
      this.#untilMs = nowMs + this.#keepMs;
    }
    return Math.max(0, this.#untilMs - nowMs);
  }
}
