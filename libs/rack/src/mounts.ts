import { readFileSync } from 'node:fs';
import { command } from './command.js';

/** Mount points in `folder`, the last mounted first. `mountInfo`: proc(5) /proc/self/mountinfo, which writes blanks as octal. Pure. */
export function mountsBelow(mountInfo: string, folder: string): readonly string[] {
  return mountInfo
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .map((path) =>
      path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    )
    .filter((path) => path.startsWith(`${folder}/`))
    .reverse();
}

/** Unmounts all that is mounted in the folder, also what is in use. Throws RackError. */
export function unmountBelow(folder: string): void {
  const mounts = mountsBelow(readFileSync('/proc/self/mountinfo', 'utf8'), folder);
  if (mounts.length > 0) command('umount', '--lazy', ...mounts);
}
