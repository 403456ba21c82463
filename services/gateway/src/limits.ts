/** Bounds of the gateway. */
export const gatewayLimits = {
  /** Connections that pass through at once, both APIs together; more are closed at once. */
  connectionsMax: 4_096,
  /** To one backend, before the next one is tried. */
  connectTimeoutMs: 1_000,
  /** A health check without an answer. */
  healthTimeoutMs: 1_000,
  /** Checks that time out in a row before the connections to that backend are cut: it is gone, not busy. */
  timeoutsBeforeCut: 2,
} as const;
