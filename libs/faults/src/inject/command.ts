import { execFile } from 'node:child_process';
import { faultLimits } from '../limits.js';
import { FaultError } from './fault.js';

/** Runs a program to its end and answers what it printed. Rejects with FaultError. */
export function command(words: readonly string[]): Promise<string> {
  const [program, ...args] = words;
  return new Promise((resolve, reject) => {
    execFile(program!, args, { timeout: faultLimits.commandTimeoutMs }, (error, stdout, stderr) => {
      if (error) reject(new FaultError(`${words.join(' ')}: ${stderr.trim() || error.message}`));
      else resolve(stdout);
    });
  });
}
