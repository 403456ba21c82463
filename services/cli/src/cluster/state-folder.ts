import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../errors.js';
import type { StatePaths } from './paths.js';

const entries: ReadonlySet<string> = new Set([
  'conf',
  'data',
  'kubeconfig',
  'logs',
  'machines',
  'pki',
  'run',
]);

/**
 * Throws UserError for a folder that holds something and is not a cluster's. A cluster removes its folder and takes what its
 * `run/` names for its own processes: `--state-dir=/` or one's home must not get that far.
 */
export function requireStateFolder({ root, pki }: StatePaths): void {
  if (!existsSync(root) || existsSync(join(pki, 'api-ca.crt'))) return;
  const foreign = readdirSync(root).find((entry) => !entries.has(entry));
  if (foreign === undefined) return;
  throw new UserError(
    `${root} is not a cluster's folder: it holds ${foreign}; name another with --state-dir`,
  );
}
