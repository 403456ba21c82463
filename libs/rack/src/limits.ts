/** Bounds of a rack. */
export const rackLimits = {
  /** Machines of one rack: their addresses are in one /24. */
  machinesMax: 250,
  /** A unix socket's path, sun_path without its end (unix(7)). */
  socketPathBytesMax: 107,
  /** One `ip` or `ctr` command. */
  commandTimeoutMs: 30_000,
  /** From containerd's start to its first answer. */
  containerdTimeoutMs: 20_000,
  /** Between two looks at a containerd that starts. */
  containerdPollMs: 100,
} as const;
