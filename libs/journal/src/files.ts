import { open } from 'node:fs/promises';

/** What was created, renamed or deleted in it survives a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
