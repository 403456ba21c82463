/** Bounds of the proxy. */
export const proxyLimits = {
  /** Changes that come within this time are applied together. */
  syncDelayMs: 20,
  /** After a sync that failed. */
  retryDelayMs: 1_000,
  /** `nft` itself. */
  nftTimeoutMs: 10_000,
  /** Userspace: one Service port's connections at once; more are closed. */
  connectionsPerPortMax: 1_024,
  /** Userspace: to one endpoint, before the next one is tried. */
  connectTimeoutMs: 1_000,
  /** Userspace: between attempts to take an address that another proxy of this machine still has. */
  bindRetryMs: 300,
} as const;
