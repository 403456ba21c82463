/** Ages of what this package issues. Renewal before expiry is the caller's duty. */
export const pkiLimits = {
  authorityDays: 3_650,
  certificateDays: 365,
  /** Clocks of a cluster's machines may differ by this much when a certificate is made. */
  backdatedMs: 5 * 60_000,
} as const;
