import { statfs } from 'node:fs/promises';
import { journalLimits } from './limits.js';

/** The room that is left on the disk of the data directory. */
export interface Space {
  /** For those who are not root. */
  readonly freeBytes: number;
  /** What makes the state grow must be refused now: the rest is for what makes it shrink. */
  readonly low: boolean;
}

/** Looks at most every few seconds, and only while somebody asks because data is written: an idle store does not look. */
export class SpaceWatch {
  readonly #directory: string;
  readonly #lowBytes: number;
  readonly #onError: (error: unknown) => void;
  #space: Space;
  #checkedAtMs = performance.now();
  #checking = false;

  private constructor(directory: string, lowBytes: number, freeBytes: number, onError: (e: unknown) => void) {
    this.#directory = directory;
    this.#lowBytes = lowBytes;
    this.#onError = onError;
    this.#space = this.#judge(freeBytes);
  }

  /** Rejects with the file system's error; later ones go to `onError`. */
  static async open(
    directory: string,
    lowBytes: number,
    onError: (error: unknown) => void,
  ): Promise<SpaceWatch> {
    return new SpaceWatch(directory, lowBytes, await freeBytesOf(directory), onError);
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
    this.#space = this.#judge(await freeBytesOf(this.#directory));
    this.#checkedAtMs = performance.now();
    return this.#space;
  }

  #judge(freeBytes: number): Space {
    return { freeBytes, low: freeBytes < this.#lowBytes };
  }
}

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
