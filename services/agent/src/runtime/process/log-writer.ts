import { open, mkdir, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { agentLimits } from '../../limits.js';
import { LogRecordEncoder, type LogStream } from '../../logs/cri-log.js';
import { rotatedLogPath } from '../../logs/rotate.js';

/**
 * Writes a container's output into its log file, moving the file aside when it is full. A pipe is read no faster than
 * the disk takes its records, so that nothing piles up in memory: a container that writes faster waits. What the disk refuses
 * is lost, and the container goes on.
 */
export class LogWriter {
  readonly #path: string;
  readonly #bytesMax: number;
  readonly #onLost: (error: unknown) => void;
  #lost = false;
  #file: FileHandle;
  #bytes: number;
  #writes: Promise<void> = Promise.resolve();

  private constructor(
    path: string,
    file: FileHandle,
    bytes: number,
    bytesMax: number,
    onLost: (error: unknown) => void,
  ) {
    this.#path = path;
    this.#onLost = onLost;
    this.#file = file;
    this.#bytes = bytes;
    this.#bytesMax = bytesMax;
  }

  /** `onLost` hears of the first output that the disk refused. */
  static async open(
    path: string,
    onLost: (error: unknown) => void,
    bytesMax: number = agentLimits.containerLogBytesMax,
  ): Promise<LogWriter> {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    const file = await open(path, 'a', 0o640);
    return new LogWriter(path, file, (await file.stat()).size, bytesMax, onLost);
  }

  /** Reads `source` to its end. Rejects if it breaks. */
  async copy(source: Readable, stream: LogStream): Promise<void> {
    const encoder = new LogRecordEncoder(stream);
    for await (const chunk of source) await this.#write(encoder.encode(chunk as Buffer, Date.now()));
    await this.#write(encoder.end(Date.now()));
  }

  async close(): Promise<void> {
    await this.#writes;
    await this.#file.close();
  }

  #write(records: Buffer): Promise<void> {
    if (records.length === 0) return Promise.resolve();
    this.#writes = this.#writes.then(async () => {
      try {
        if (this.#bytes > 0 && this.#bytes + records.length > this.#bytesMax) await this.#rotate();
        await this.#file.appendFile(records);
        this.#bytes += records.length;
      } catch (error) {
        if (!this.#lost) this.#onLost(error);
        this.#lost = true;
      }
    });
    return this.#writes;
  }

  async #rotate(): Promise<void> {
    await rename(this.#path, rotatedLogPath(this.#path));
    const full = this.#file;
    this.#file = await open(this.#path, 'a', 0o640);
    this.#bytes = 0;
    await full.close();
  }
}
