import { write as writeFile } from 'node:fs';
import { constants, open, type FileHandle } from 'node:fs/promises';
import { frameHeaderBytes, sealFrame, segmentSeed, type FrameLink } from './frame.js';
import { bodyBytes, encodeBody, type LogFrame } from './records.js';

/** What a buffer that is kept from group to group may take. */
const keptBytesMax = 1024 * 1024;

/** Gathers frames of one segment and writes them at once. */
export class SegmentWriter {
  readonly sequence: number;
  readonly sizeBytes: number;
  maxIndex: number;
  readonly #file: FileHandle;
  readonly #seed: number;
  /** Where the gathered frames go. */
  #at: number;
  #gathered: Buffer = Buffer.allocUnsafe(64 * 1024);
  #gatheredBytes = 0;

  private constructor(
    file: FileHandle,
    dataId: number,
    segment: { readonly sequence: number; readonly sizeBytes: number; readonly maxIndex: number },
    at: number,
  ) {
    this.#file = file;
    this.sequence = segment.sequence;
    this.sizeBytes = segment.sizeBytes;
    this.maxIndex = segment.maxIndex;
    this.#seed = segmentSeed(dataId, segment.sequence);
    this.#at = at;
  }

  static async open(
    path: string,
    dataId: number,
    segment: { readonly sequence: number; readonly sizeBytes: number; readonly maxIndex: number },
    at: number,
  ): Promise<SegmentWriter> {
    // Each write returns when its data is on the disk: one call instead of a write and an fdatasync, which means the same.
    const file = await open(path, constants.O_RDWR | constants.O_DSYNC);
    return new SegmentWriter(file, dataId, segment, at);
  }

  /** What a segment earlier than this process wrote and nobody synced becomes durable. */
  async syncFound(): Promise<void> {
    await this.#file.datasync();
  }

  /** Overwrites what comes after the end. */
  async cutTail(): Promise<void> {
    const zeros = Buffer.alloc(this.sizeBytes - this.#at);
    await this.#write(zeros, this.#at);
  }

  hasRoomFor(frame: LogFrame): boolean {
    return this.#at + this.#gatheredBytes + frameHeaderBytes + bodyBytes(frame) <= this.sizeBytes;
  }

  /** Answers its CRC. */
  gather(frame: LogFrame, link: FrameLink): number {
    const size = frameHeaderBytes + bodyBytes(frame);
    const from = this.#gatheredBytes;
    this.#reserve(from + size);
    const bytes = this.#gathered.subarray(from, from + size);
    encodeBody(bytes.subarray(frameHeaderBytes), frame);
    this.#gatheredBytes += size;
    for (const { index } of frame.entries) this.maxIndex = Math.max(this.maxIndex, index);
    return sealFrame(bytes, this.#seed, link);
  }

  /** Resolves with the number of bytes when what was gathered is on the disk. */
  async flush(): Promise<number> {
    const bytes = this.#gathered.subarray(0, this.#gatheredBytes);
    if (bytes.length === 0) return 0;
    await this.#write(bytes, this.#at);
    this.#at += bytes.length;
    this.#gatheredBytes = 0;
    if (this.#gathered.length > keptBytesMax) this.#gathered = Buffer.allocUnsafe(64 * 1024);
    return bytes.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#gathered.length) return;
    const larger = Buffer.allocUnsafe(Math.max(sizeBytes, 2 * this.#gathered.length));
    larger.set(this.#gathered.subarray(0, this.#gatheredBytes));
    this.#gathered = larger;
  }

  async #write(bytes: Buffer, at: number): Promise<void> {
    for (let done = 0; done < bytes.length;) done += await this.#writeSome(bytes, done, at + done);
  }

  #writeSome(bytes: Buffer, from: number, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      writeFile(this.#file.fd, bytes, from, bytes.length - from, at, (error, written) => {
        if (error) reject(error);
        else resolve(written);
      });
    });
  }
}
