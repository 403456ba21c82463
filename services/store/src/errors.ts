/** A combination of flags that cannot work: one line for the operator. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** An address that cannot be listened on. */
export class ListenError extends Error {
  constructor(address: string, cause: unknown) {
    super(`cannot listen on ${address}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = 'ListenError';
  }
}

/** What the process ends with. */
export const exitCodes = {
  /** Anything that an operator must look at. */
  failed: 1,
  /** This member was removed: starting it again is no use. */
  removed: 3,
} as const;

/** This member was removed from its cluster, for good: its data directory is of no use any more. */
export class RemovedError extends Error {
  constructor(line: string) {
    super(line);
    this.name = 'RemovedError';
  }
}

/** Another member knows this one by an earlier data directory: what this one promised in there is lost, and it must not take part. */
export class LostDataError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'LostDataError';
  }
}
