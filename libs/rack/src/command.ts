import { spawnSync } from 'node:child_process';
import { rackLimits } from './limits.js';

/** A command of the rack failed: the command and what it said. */
export class RackError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RackError';
  }
}

/** Runs a command to its end and answers what it printed. Throws RackError. */
export function command(...words: readonly string[]): string {
  const [program, ...args] = words;
  const result = spawnSync(program!, args, { encoding: 'utf8', timeout: rackLimits.commandTimeoutMs });
  if (result.status === 0) return result.stdout;
  throw new RackError(`${words.join(' ')}: ${result.error?.message ?? result.stderr.trim()}`);
}

/** Whether the command succeeded; for asking and for removing what may not be there. */
export function succeeds(...words: readonly string[]): boolean {
  const [program, ...args] = words;
  return spawnSync(program!, args, { stdio: 'ignore', timeout: rackLimits.commandTimeoutMs }).status === 0;
}
