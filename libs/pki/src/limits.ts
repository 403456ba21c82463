/** Ages of what this package issues. */
export const pkiLimits = {
  authorityDays: 3_650,
  certificateDays: 365,
  /** A certificate this near to its end is issued anew the next time that it is asked for. */
  renewedBeforeMs: 30 * 86_400_000,
  /** Clocks of a cluster's machines may differ by this much when a certificate is made. */
  backdatedMs: 5 * 60_000,
} as const;
