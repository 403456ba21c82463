/** Every bound of the scheduler, with its unit. */
export const schedulerLimits = {
  /** Bindings that are being written. */
  bindingsInFlightMax: 32,
  /** Pause before a pod that failed is tried again; doubles up to the max. */
  backoffMinMs: 250,
  backoffMaxMs: 10_000,
  /** An unschedulable pod is tried again after this even if nothing changed. */
  unschedulableMaxMs: 300_000,
  /** The event loop gets a turn after so long. */
  sliceMs: 10,
} as const;
