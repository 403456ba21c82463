/** One thing's back-off: how long it waits after its next failure, and when that was last raised. */
export interface Backoff {
  readonly delayMs: number;
  readonly raisedAtMs: number;
}

export interface BackoffLimits {
  readonly initialMs: number;
  readonly maxMs: number;
  /** A failure this long after the last raise starts from `initialMs` again. */
  readonly resetMs: number;
}

/** Until when to wait after a failure at `failedAtMs`; undefined: no need to. The first failure never waits. */
export function backoffUntil(
  backoff: Backoff | undefined,
  failedAtMs: number,
  limits: BackoffLimits,
): number | undefined {
  if (backoff === undefined || failedAtMs - backoff.raisedAtMs > limits.resetMs) return undefined;
  return failedAtMs + backoff.delayMs;
}

/** The back-off once it was sat out and the thing is tried again. */
export function raiseBackoff(
  backoff: Backoff | undefined,
  failedAtMs: number,
  nowMs: number,
  limits: BackoffLimits,
): Backoff {
  const fresh = backoff === undefined || failedAtMs - backoff.raisedAtMs > limits.resetMs;
  return {
    delayMs: fresh ? limits.initialMs : Math.min(backoff.delayMs * 2, limits.maxMs),
    raisedAtMs: nowMs,
  };
}
