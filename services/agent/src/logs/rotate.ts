import { rename, stat } from 'node:fs/promises';
import { agentLimits } from '../limits.js';

/** The one older file that is kept beside a container's log. */
export const rotatedLogPath = (path: string): string => `${path}.1`;

/**
 * Moves a log aside once it is too long; the writer must then open a new one. Answers whether it did.
 * A log that is not there yet is no error.
 */
export async function rotateLog(
  path: string,
  bytesMax: number = agentLimits.containerLogBytesMax,
): Promise<boolean> {
  const size = await stat(path).then(
    (file) => file.size,
    () => 0,
  );
  if (size < bytesMax) return false;
  await rename(path, rotatedLogPath(path));
  return true;
}
