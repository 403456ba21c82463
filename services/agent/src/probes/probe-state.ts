import type { Probe } from '@raftsman/api';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

/** The last results of one probe of one run of a container. */
export interface ProbeState {
  readonly passing: boolean;
  /** How often in a row the last result came; its sign is its kind: passed above zero. */
  readonly streak: number;
}

/** Before its first result a container counts as alive, and as neither started nor ready. */
export const initialProbeState = (kind: ProbeKind): ProbeState => ({
  passing: kind === 'liveness',
  streak: 0,
});

export interface ProbeTiming {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

const positive = (value: number | undefined, otherwise: number): number =>
  value === undefined || value <= 0 ? otherwise : value;

export const probeTiming = (probe: Probe): ProbeTiming => ({
  initialDelayMs: Math.max(0, probe.initialDelaySeconds ?? 0) * 1_000,
  periodMs: positive(probe.periodSeconds, 10) * 1_000,
  timeoutMs: positive(probe.timeoutSeconds, 1) * 1_000,
  successThreshold: positive(probe.successThreshold, 1),
  failureThreshold: positive(probe.failureThreshold, 3),
});

/** Pure: the state after one more result. It turns only after as many equal results in a row as its threshold says. */
export function nextProbeState(state: ProbeState, passed: boolean, timing: ProbeTiming): ProbeState {
  const streak = passed ? Math.max(0, state.streak) + 1 : Math.min(0, state.streak) - 1;
  const turns = passed ? streak >= timing.successThreshold : -streak >= timing.failureThreshold;
  return { passing: turns ? passed : state.passing, streak };
}
