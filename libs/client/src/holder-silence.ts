import { clientLimits } from './limits.js';

/**
 * Judges whether the holder of a Lease fell silent. Pure: time is an argument (milliseconds of a monotonic clock).
 *
 * Signs of life are the holder's beats and its writes of the Lease. Four things are no silence: a holder whose beats never came
 * through to us (but see `newcomer`), time in which our own link was down (deafness), time in which this process stood still, and a beat that was held
 * up and comes late.
 */
export interface HolderSilence {
  /** The watch told of a write of the Lease; '' is nobody. */
  leaseSeen(holder: string, nowMs: number): void;
  /** `sequence` grows with every beat of a holder. Beats of anyone else than the present holder count for nothing. */
  beatHeard(holder: string, sequence: number, nowMs: number): void;
  /** Whether the present holder is silent. Call it every leaderBeatIntervalMs. */
  evaluate(nowMs: number, linkHealthy: boolean): boolean;
}

/**
 * `newcomer`: this process has just started, so that it could not have heard the holder that it finds. That one is judged without having
 * been heard: after a power cut nobody has. Once a process, or two that cannot hear each other would replace one another for ever.
 */
export function createHolderSilence(startMs: number, newcomer: boolean): HolderSilence {
  let found: string | undefined;
  let holder = '';
  /** The last beat of this holder; 0: none came. */
  let sequence = 0;
  let signMs = startMs;
  let evaluatedMs = startMs;
  return {
    leaseSeen: (by, nowMs) => {
      found ??= by;
      if (by !== holder) sequence = 0;
      holder = by;
      signMs = nowMs;
    },
    beatHeard: (by, number, nowMs) => {
      if (by !== holder || number <= sequence) return;
      sequence = number;
      signMs = nowMs;
    },
    evaluate: (nowMs, linkHealthy) => {
      const gapMs = nowMs - evaluatedMs;
      evaluatedMs = nowMs;
      if (!linkHealthy) signMs = nowMs;
      else if (gapMs > clientLimits.leaderStallMs) signMs = Math.min(nowMs, signMs + gapMs);
      const couldBeHeard = sequence > 0 || (newcomer && holder === found);
      return holder !== '' && couldBeHeard && nowMs - signMs >= clientLimits.leaderSilenceMs;
    },
  };
}
