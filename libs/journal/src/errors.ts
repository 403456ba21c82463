/**
 * Why a data directory cannot be used. Each message is one line for the operator.
 *
 * - `corrupt`: a checksum or an invariant of what is on disk does not hold. The member must be rebuilt from the others.
 * - `foreign`: the directory belongs to another member or another cluster.
 * - `format`: written by a newer version, or by one of before there were segment files.
 * - `locked`: a living process uses it.
 * - `io`: the disk refused. Whoever gets it from a write must end the process: what is on disk is not known any more.
 * - `full`: there is no room for a snapshot that arrives, or for a defragmentation. Nothing else is harmed.
 */
export type JournalErrorCode = 'corrupt' | 'foreign' | 'format' | 'locked' | 'io' | 'full';

export class JournalError extends Error {
  readonly code: JournalErrorCode;
  constructor(code: JournalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JournalError';
    this.code = code;
  }
}

/** What LevelDB says, in our codes. */
export function fromLevelError(directory: string, error: unknown): JournalError {
  if (error instanceof JournalError) return error;
  const chain = causes(error);
  const codes = chain.map((link) => (link as { code?: unknown }).code);
  const text = chain.map((link) => link.message).join(': ');
  if (codes.includes('LEVEL_LOCKED'))
    return new JournalError('locked', `data directory ${directory} is in use by another process`, {
      cause: error,
    });
  if (codes.includes('LEVEL_CORRUPTION') || /corrupt/i.test(text))
    return new JournalError('corrupt', text, { cause: error });
  return new JournalError('io', `data directory ${directory}: ${text}`, { cause: error });
}

export const isNoSpace = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes(String((error as NodeJS.ErrnoException).code));

/** Of a call to the system. */
export const isFileError = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

/** What a file system says, in our codes. */
export function fromFileError(directory: string, error: unknown): JournalError {
  if (error instanceof JournalError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new JournalError('io', `data directory ${directory}: ${text}`, { cause: error });
}

/** With what an operator must know: where, and what to do. */
export function explain(directory: string, error: unknown): unknown {
  if (!(error instanceof JournalError) || error.code !== 'corrupt') return error;
  const help =
    'Empty it and start with --initial-cluster-state=existing while all other members are up, or restore a snapshot';
  return new JournalError('corrupt', `data directory ${directory} is corrupt: ${error.message}. ${help}`, {
    cause: error,
  });
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) chain.push(at);
  return chain.length > 0 ? chain : [new Error(String(error))];
}
