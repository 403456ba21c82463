/** Something the user can mend: printed as one line, exit code 1. */
export class UserError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UserError';
  }
}

/** What to tell the user instead of a stack: about their own mistake, or what the system refused (a file, a port). null: a bug of ours. */
export function lineOf(error: unknown): string | null {
  if (error instanceof UserError) return error.message;
  return error instanceof Error && 'syscall' in error ? error.message : null;
}
