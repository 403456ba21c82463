import { existsSync } from 'node:fs';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.js';
import { FaultError, type Injected } from './fault.js';

/** A file system of its own for a directory, in memory, so that filling it fills nothing else. Needs root. Removed with its content by `unmountDisk`. */
export async function mountDisk(directory: string, sizeBytes: number): Promise<void> {
  await mkdir(directory, { recursive: true });
  await command([
    'mount',
    '-t',
    'tmpfs',
    '-o',
    `size=${sizeBytes},mode=0700`,
    'raftsman-fault-disk',
    directory,
  ]);
}

export async function unmountDisk(directory: string): Promise<void> {
  await command(['umount', '--lazy', directory]);
}

/** Uses up all free bytes of the file system that holds `directory`, with one file in it. Undone by deleting the file. */
export async function fillDisk(directory: string): Promise<Injected> {
  const ballast = join(directory, 'raftsman-fault-ballast');
  if (existsSync(ballast)) throw new FaultError(`${ballast} is there already`);
  const undo = (): Promise<void> => rm(ballast, { force: true });
  let filledBytes = 0;
  try {
    const file = await open(ballast, 'wx', 0o600);
    try {
      filledBytes = await fill(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    await undo();
    throw error;
  }
  const { bavail, bsize } = await statfs(directory);
  return {
    did: `filled ${directory} with ${filledBytes} bytes, ${bavail * bsize} left`,
    undoing: `deletes ${ballast}`,
    undo,
  };
}

const blocksBytes = [1 << 20, 1 << 12] as const;

/** Large blocks first, then small ones into what is left. */
async function fill(file: Awaited<ReturnType<typeof open>>): Promise<number> {
  let filledBytes = 0;
  for (const bytes of blocksBytes) {
    const block = Buffer.alloc(bytes, 0xff);
    for (;;) {
      const written = await file.write(block, 0, bytes, filledBytes).then(
        ({ bytesWritten }) => bytesWritten,
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOSPC') throw error;
          return 0;
        },
      );
      filledBytes += written;
      if (written < bytes) break;
    }
  }
  return filledBytes;
}
