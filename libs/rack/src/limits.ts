/** Bounds of a rack. */
export const rackLimits = {
  /** Machines of one rack: their addresses are in one /24. */
  machinesMax: 250,
  /** One `ip` or `ctr` command. */
  commandTimeoutMs: 30_000,
  /** From containerd's start to its first answer. */
  containerdTimeoutMs: 20_000,
} as const;
