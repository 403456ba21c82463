import { crc32 } from 'node:zlib';
import { getWhole, putWhole } from '../whole.js';

/**
 * What segments are made of. Numbers are big-endian.
 *
 *      0  4  magic
 *      4  4  CRC-32 of everything after it, begun with the segment's seed
 *      8  4  the CRC of the frame before, also across segments
 *     12  4  bytes of the body
 *     16  8  number: counts the frames of a data directory without a gap
 *     24  8  all frames below this number were synced before this one was written
 *     32     body: records (records.ts)
 *
 * The seed is made of the data directory's id and the segment's sequence, so that what a recycled file held before is never taken for a frame,
 * and nobody who writes values can write a frame into one.
 */
export interface FrameLink {
  readonly number: number;
  readonly syncedBelow: number;
  /** The CRC of the frame before. */
  readonly previous: number;
}

export interface Frame extends FrameLink {
  readonly crc: number;
  readonly body: Buffer;
  /** Offset after it. */
  readonly end: number;
}

export const frameHeaderBytes = 32;

const magic = Buffer.from('rfl\x02', 'latin1');

export function segmentSeed(dataId: number, sequence: number): number {
  const bytes = Buffer.alloc(16);
  putWhole(bytes, putWhole(bytes, 0, dataId), sequence);
  return crc32(bytes);
}

/** `bytes` is a frame whose body is in place. Answers its CRC. */
export function sealFrame(bytes: Buffer, seed: number, { number, syncedBelow, previous }: FrameLink): number {
  bytes.set(magic, 0);
  bytes.writeUInt32BE(previous, 8);
  bytes.writeUInt32BE(bytes.length - frameHeaderBytes, 12);
  putWhole(bytes, putWhole(bytes, 16, number), syncedBelow);
  const crc = crc32(bytes.subarray(8), seed);
  bytes.writeUInt32BE(crc, 4);
  return crc;
}

/** null: there is no whole frame of this segment. */
export function readFrame(bytes: Buffer, at: number, seed: number): Frame | null {
  if (!hasHeader(bytes, at)) return null;
  const end = at + frameHeaderBytes + bytes.readUInt32BE(at + 12);
  if (end > bytes.length) return null;
  const crc = bytes.readUInt32BE(at + 4);
  if (crc !== crc32(bytes.subarray(at + 8, end), seed)) return null;
  return {
    number: getWhole(bytes, at + 16),
    syncedBelow: getWhole(bytes, at + 24),
    previous: bytes.readUInt32BE(at + 8),
    crc,
    body: bytes.subarray(at + frameHeaderBytes, end),
    end,
  };
}

/** Whether what is at `at` looks like the beginning of a frame of this number or a later one, be it whole or not. */
export const claimsToBeFrame = (bytes: Buffer, at: number, number: number): boolean =>
  hasHeader(bytes, at) && getWhole(bytes, at + 16) >= number;

/** Whole frames of this number or later ones, wherever they are from `from` on. */
export function* findFrames(bytes: Buffer, from: number, seed: number, number: number): Generator<Frame> {
  for (let at = bytes.indexOf(magic, from); at !== -1; at = bytes.indexOf(magic, at + 1)) {
    if (!claimsToBeFrame(bytes, at, number)) continue;
    const frame = readFrame(bytes, at, seed);
    if (frame !== null) yield frame;
  }
}

const hasHeader = (bytes: Buffer, at: number): boolean =>
  at + frameHeaderBytes <= bytes.length && magic.compare(bytes, at, at + magic.length) === 0;
