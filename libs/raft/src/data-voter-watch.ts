/**
 * How a leader tells whether the voters that keep data keep up: each must hold what the log held some ticks ago. Two marks, moved every
 * `periodTicks`, say that without a clock for each entry.
 */
export class DataVoterWatch {
  /** Witnesses are sent entries. */
  awake = false;
  #mark = 0;
  #previousMark = 0;
  #sinceTick = 0;

  start(awake: boolean, nowTick: number): void {
    this.awake = awake;
    this.#mark = 0;
    this.#previousMark = 0;
    this.#sinceTick = nowTick;
  }

  tick(nowTick: number, periodTicks: number, lastIndex: number): void {
    if (nowTick - this.#sinceTick < periodTicks) return;
    this.#sinceTick = nowTick;
    this.#previousMark = this.#mark;
    this.#mark = lastIndex;
  }

  /** The log held this much at least one period ago, and at most two. */
  get expectedIndex(): number {
    return this.#previousMark;
  }
}
