import { open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../files.js';
import { journalLimits } from '../limits.js';

const digits = 12;
const segmentName = /^(\d{12})\.wal$/;
const spareName = /^spare(-\d+)?\.wal$/;

export const nameOfSegment = (sequence: number): string => `${String(sequence).padStart(digits, '0')}.wal`;

/**
 * The files of a log. A segment's blocks are allocated and written once, before it is used, so that writing into it needs no room and
 * its sync no change of the file system's own records. One that is not needed any more becomes the next one, or is kept as a spare: filling
 * one with zeros beside the writes of the log makes them wait.
 */
export class SegmentFiles {
  readonly directory: string;
  readonly segmentBytes: number;
  /** Names of files. */
  #spares: string[] = [];

  constructor(directory: string, segmentBytes: number) {
    this.directory = directory;
    this.segmentBytes = segmentBytes;
  }

  pathOf(sequence: number): string {
    return join(this.directory, nameOfSegment(sequence));
  }

  /** In ascending order. */
  async list(): Promise<number[]> {
    const sequences: number[] = [];
    this.#spares = [];
    for (const name of await readdir(this.directory)) {
      const match = segmentName.exec(name);
      if (match) sequences.push(Number(match[1]));
      else if (spareName.test(name)) this.#spares.push(name);
    }
    return sequences.toSorted((left, right) => left - right);
  }

  /**
   * Resolves with its size when the file is there, whatever it holds, with room for a segment, also after a power failure. Rejects with
   * the file system's error (ENOSPC: nothing is left behind).
   */
  async prepare(sequence: number): Promise<number> {
    const spare = this.#spares.pop();
    if (spare !== undefined) await rename(join(this.directory, spare), this.pathOf(sequence));
    else await this.#create(this.pathOf(sequence));
    await syncDirectory(this.directory);
    return (await stat(this.pathOf(sequence))).size;
  }

  /** Makes room for a segment of this size; what it holds stays. Rejects as `prepare` does. */
  async enlarge(sequence: number, sizeBytes: number): Promise<void> {
    await allocate(this.pathOf(sequence), 'r+', sizeBytes);
  }

  async remove(sequence: number): Promise<void> {
    await unlink(this.pathOf(sequence));
    await syncDirectory(this.directory);
  }

  /** What it holds is not needed any more. `next`: no such segment is there yet, and this file may become it. Answers whether it did. */
  async release(sequence: number, sizeBytes: number, next: number | null): Promise<boolean> {
    const path = this.pathOf(sequence);
    const hasEnough = this.#spares.length >= journalLimits.spareSegmentsMax;
    if (sizeBytes !== this.segmentBytes || (next === null && hasEnough)) {
      await unlink(path);
      return false;
    }
    const spare = `spare-${sequence}.wal`;
    await rename(path, next === null ? join(this.directory, spare) : this.pathOf(next));
    if (next === null) this.#spares.push(spare);
    await syncDirectory(this.directory);
    return next !== null;
  }

  async #create(path: string): Promise<void> {
    try {
      await allocate(path, 'w', this.segmentBytes);
    } catch (error) {
      await unlink(path).catch(() => undefined); // The first error is the one that counts.
      throw error;
    }
  }
}

/** Writes zeros from the file's end up to `sizeBytes`, and syncs them. */
export async function allocate(path: string, flags: 'r+' | 'w', sizeBytes: number): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    const zeros = Buffer.alloc(journalLimits.allocationStepBytes);
    let { size } = await file.stat();
    while (size < sizeBytes) {
      const { bytesWritten } = await file.write(zeros, 0, Math.min(zeros.length, sizeBytes - size), size);
      size += bytesWritten;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}
