import { open, stat, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isNoSpace } from './errors.js';
import { journalLimits, type JournalSizes } from './limits.js';

/** The room that is left on the disk of the data directory. */
export interface Space {
  /** For those who are not root. */
  readonly freeBytes: number;
  /** What makes the state grow must be refused now: the rest is for what makes it shrink. */
  readonly low: boolean;
}

/**
 * Knows the room on the disk, and keeps a reserve: a file that is deleted when others have filled the disk, so that deletions can still be
 * written and the process can start again. Looks at most every few seconds, and only while data is written.
 */
export class DiskSpace {
  readonly #directory: string;
  readonly #sizes: JournalSizes;
  readonly #onError: (error: unknown) => void;
  #space: Space = { freeBytes: 0, low: true };
  #checkedAtMs = -Infinity;
  #checking = false;
  #hasReserve = false;

  private constructor(directory: string, sizes: JournalSizes, onError: (error: unknown) => void) {
    this.#directory = directory;
    this.#sizes = sizes;
    this.#onError = onError;
  }

  /** Rejects with the file system's error; those of `refreshIfDue` go to `onError`. */
  static async open(
    directory: string,
    sizes: JournalSizes,
    onError: (error: unknown) => void,
  ): Promise<DiskSpace> {
    const space = new DiskSpace(directory, sizes, onError);
    space.#hasReserve = await exists(space.#reservePath);
    await space.refresh();
    return space;
  }

  get space(): Space {
    return this.#space;
  }

  /** Data is being written. */
  refreshIfDue(): void {
    if (this.#checking || performance.now() - this.#checkedAtMs < journalLimits.spaceRefreshMs) return;
    this.#checking = true;
    this.refresh()
      .catch(this.#onError)
      .finally(() => (this.#checking = false));
  }

  async refresh(): Promise<Space> {
    const { bavail, bsize } = await statfs(this.#directory);
    const freeBytes = bavail * bsize;
    this.#space = { freeBytes, low: freeBytes < this.#sizes.lowSpaceBytes };
    this.#checkedAtMs = performance.now();
    return this.#space;
  }

  /** Whether LevelDB may write; gives the reserve free if it must, and lays it in again when there is room for it. */
  async hasRoomForRows(): Promise<boolean> {
    const { rowsFloorBytes, lowSpaceBytes, reserveBytes } = this.#sizes;
    const { freeBytes } = await this.refresh();
    if (!this.#hasReserve && freeBytes >= lowSpaceBytes + reserveBytes) await this.#layInReserve();
    if (freeBytes >= rowsFloorBytes) return true;
    await this.makeRoom();
    return (await this.refresh()).freeBytes >= rowsFloorBytes;
  }

  async makeRoom(): Promise<void> {
    if (!this.#hasReserve) return;
    this.#hasReserve = false;
    await unlink(this.#reservePath);
  }

  /** Not synced: what is in it does not matter, only that it takes room. */
  async #layInReserve(): Promise<void> {
    const zeros = Buffer.alloc(journalLimits.reserveStepBytes);
    const file = await open(this.#reservePath, 'w', 0o600);
    this.#hasReserve = true;
    try {
      for (let size = 0; size < this.#sizes.reserveBytes; size += zeros.length)
        await file.write(zeros, 0, Math.min(zeros.length, this.#sizes.reserveBytes - size), size);
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      await this.makeRoom();
    } finally {
      await file.close();
    }
  }

  get #reservePath(): string {
    return join(this.#directory, 'reserve');
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
