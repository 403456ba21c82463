import type { Probe } from '@raftsman/api';
import { agentLimits } from '../limits.js';
import { probeTiming, type ProbeTiming } from './probe-state.js';
import type { ProbeResult } from './run-probe.js';

export interface ProberOptions {
  readonly probe: Probe;
  readonly startedAtMs: number;
  readonly now: () => number;
  /** Whether the probe has anything to say now: none but the startup probe does before that one has passed. */
  readonly due: () => boolean;
  /** Whether a success is waited for: then the probe is also tried between its periods, and only a success of these counts. */
  readonly awaited: () => boolean;
  /** Never rejects. */
  readonly run: (timeoutMs: number) => Promise<ProbeResult>;
  readonly result: (result: ProbeResult) => void;
}

/**
 * The clock of one probe of one run: every period and, while a first success is awaited, after 0.25 s, 0.5 s, 1 s … in between, so
 * that a container counts as ready when it is and not at the next period. The pauses grow over the whole run, so that a
 * container that never gets ready is not probed more for it.
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #timing: ProbeTiming;
  #timer: NodeJS.Timeout | undefined;
  #state: 'waiting' | 'probing' | 'stopped' = 'waiting';
  /** When the next period begins. */
  #periodAtMs: number;
  #extraDelayMs: number = agentLimits.probeExtraDelayMs;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#timing = probeTiming(options.probe);
    this.#periodAtMs = options.startedAtMs + this.#timing.initialDelayMs;
  }

  start(): void {
    this.#wait();
  }

  /** Begins a period now: what the probe waited for has come. */
  kick(): void {
    this.#periodAtMs = Math.min(this.#periodAtMs, Math.max(this.#options.now(), this.#firstMs()));
    if (this.#state === 'waiting') this.#wait();
  }

  stop(): void {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
  }

  #firstMs(): number {
    return this.#options.startedAtMs + this.#timing.initialDelayMs;
  }

  #wait(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'waiting';
    const nowMs = this.#options.now();
    const untilPeriodMs = Math.max(0, this.#periodAtMs - nowMs);
    const begun = nowMs >= this.#firstMs();
    const extra =
      begun && this.#options.due() && this.#options.awaited() && this.#extraDelayMs < untilPeriodMs;
    const delayMs = extra ? this.#extraDelayMs : untilPeriodMs;
    if (extra) this.#extraDelayMs *= 2;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tick(!extra), delayMs);
  }

  async #tick(regular: boolean): Promise<void> {
    this.#state = 'probing';
    if (regular) this.#periodAtMs = this.#options.now() + this.#timing.periodMs;
    if (this.#options.due()) {
      const result = await this.#options.run(this.#timing.timeoutMs);
      if (this.#isStopped()) return;
      if (regular || result.passed) this.#options.result(result);
    }
    if (!this.#isStopped()) this.#wait();
  }

  /** A method, since `stop` may have been called during an await. */
  #isStopped(): boolean {
    return this.#state === 'stopped';
  }
}
