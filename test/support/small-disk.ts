import { execFileSync } from 'node:child_process';
import { appendFile, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Only root can mount a small disk. */
export const isRoot = process.getuid?.() === 0;

/** The folder of a disk of so many MiB in memory, until the end of the test. Needs root. */
export async function smallDisk(sizeMebibytes: number): Promise<string> {
  const mount = await mkdtemp(join(tmpdir(), 'raftsman-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMebibytes}m`, 'tmpfs', mount]);
  onTestFinished(async () => {
    execFileSync('umount', ['-l', mount]);
    await rm(mount, { recursive: true });
  });
  return mount;
}

/** What somebody else has on the disk. */
export const othersFile = (mount: string): string => join(mount, 'other');

/** Somebody else takes all there is but so much. */
export async function fill(mount: string, leaveBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(mount);
  await appendFile(othersFile(mount), Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes), 'x'));
}
