/** Bounds of starting, supervising and stopping. */
export const cliLimits = {
  /** From the first process to all nodes Ready. */
  upTimeoutMs: 90_000,
  /** From all nodes Ready to naming what is still unhealthy. */
  unwellAfterMs: 6_000,
  /** From SIGTERM to SIGKILL. */
  stopGraceMs: 8_000,
  /** A service that ends is started again after this, twice as long each time up to the maximum. */
  restartWaitMinMs: 1_000,
  restartWaitMaxMs: 10_000,
  /** A service that lived this long starts anew with the shortest wait. */
  healthyAfterMs: 10_000,
} as const;
