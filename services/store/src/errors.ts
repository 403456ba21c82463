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

/** Another member knows this one by an earlier data directory: what this one promised in there is lost, and it must not take part. */
export class LostDataError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'LostDataError';
  }
}
