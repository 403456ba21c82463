/** Bounds of recording, judging and injecting. */
export const faultLimits = {
  /** One line of a history file. */
  historyLineBytesMax: 4 * 1024 * 1024,
  /** Configurations that one check remembers, some hundred bytes each; beyond it the verdict is `unknown`. */
  configurationsMax: 1_000_000,
  /** One check; beyond it the verdict is `unknown`. */
  checkTimeMsMax: 60_000,
  /** Steps of the search between two looks at the clock. */
  stepsBetweenLooks: 256,
  /** Violations that one judge reports of one subject; more say no more. */
  violationsMax: 20,
  /** One `nft`, `tc` or `mount`. */
  commandTimeoutMs: 30_000,
  /** From SIGKILL to the end of the process. */
  killTimeoutMs: 30_000,
  /** Clock steps, either way: a year. */
  clockStepMsMax: 365 * 24 * 3_600_000,
} as const;
