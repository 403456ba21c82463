import { readFile } from 'node:fs/promises';
import { JournalError } from '../errors.js';
import { journalLimits } from '../limits.js';
import { claimsToBeFrame, findFrames, readFrame, segmentSeed } from './frame.js';
import { visitRecords } from './records.js';
import { LogOrderError, Replay, type LogState } from './replay.js';
import { nameOfSegment, type SegmentFiles } from './segment-files.js';

export interface SegmentSummary {
  readonly sequence: number;
  readonly sizeBytes: number;
  /** The highest index of its entries; 0: none. */
  readonly maxIndex: number;
}

/** Where a log is continued. */
export interface LogEnd {
  /** Offset in the last segment. */
  readonly at: number;
  /** Of the next frame. */
  readonly number: number;
  /** The CRC of the last frame. */
  readonly previous: number;
  /** The journal was closed, and nothing was written since. */
  readonly isClosed: boolean;
}

export interface ReadLog {
  readonly state: LogState;
  /** Never empty; the last is the one that is written to. */
  readonly segments: readonly SegmentSummary[];
  readonly end: LogEnd;
  /** What comes after the end was being written when the power failed, and nobody was told of it. It must be overwritten before the log goes on. */
  readonly isTorn: boolean;
  /** A segment that was made ready and never written to. */
  readonly prepared: SegmentSummary | null;
}

/**
 * Reads a log from its first segment to its end. null: there is none, not even an empty one.
 *
 * A frame is written after all frames below its `syncedBelow` were synced, and a segment after all of the one before it was. A crash may
 * take any pages of what was not synced yet, and nothing else. So where the first frame is missing,
 * 1. and a whole frame further on says that the missing one was synced, or a later segment has begun: the disk lost it. Corrupt.
 * 2. otherwise it was being written when the process or the power went, nobody was told of it, and it is cut.
 * A last group that was synced and whose frames rot before the next one is written looks like 2: no log can tell these apart
 * (README, "Torn and corrupt").
 */
export async function readLog(files: SegmentFiles, dataId: number): Promise<ReadLog | null> {
  const sequences = await files.list();
  const reader = new LogReader(dataId);
  for (const [at, sequence] of sequences.entries()) {
    const bytes = await readFile(files.pathOf(sequence));
    reader.segment(sequence, bytes, at === sequences.length - 1);
  }
  return reader.finish();
}

interface Position {
  readonly sequence: number;
  readonly bytes: Buffer;
  at: number;
  maxIndex: number;
}

/** Fed with segments in their order. Throws JournalError `corrupt` or `format`. */
class LogReader {
  readonly #dataId: number;
  readonly #replay = new Replay();
  readonly #done: SegmentSummary[] = [];
  #current: Position | null = null;
  #prepared: SegmentSummary | null = null;
  /** Of the next frame; null until the first one is read. */
  #number: number | null = null;
  #previous = 0;

  constructor(dataId: number) {
    this.#dataId = dataId;
  }

  segment(sequence: number, bytes: Buffer, isLast: boolean): void {
    const before = this.#current;
    if (before !== null && sequence !== before.sequence + 1)
      throw corrupt(`segment ${nameOfSegment(before.sequence + 1)} is missing`);
    const head = readFrame(bytes, 0, segmentSeed(this.#dataId, sequence));
    if (head === null && isLast && !this.#wasSynced(sequence, bytes, 0, this.#number ?? 0)) {
      this.#prepared = { sequence, sizeBytes: bytes.length, maxIndex: 0 };
      return;
    }
    if (head === null) throw damaged(sequence, 0);
    // All of the segment before was synced before this one's head was written.
    if (before !== null && (head.number !== this.#number || head.previous !== this.#previous))
      throw damaged(before.sequence, before.at);
    if (before !== null) this.#done.push(summaryOf(before));
    this.#number = head.number;
    this.#previous = head.previous;
    this.#current = { sequence, bytes, at: 0, maxIndex: 0 };
    this.#readFrames(this.#current);
  }

  finish(): ReadLog | null {
    const last = this.#current;
    if (last === null) return null;
    const { sequence, bytes, at } = last;
    const number = this.#number!;
    if (this.#wasSynced(sequence, bytes, at, number)) throw damaged(sequence, at);
    const seed = segmentSeed(this.#dataId, sequence);
    const isTorn = claimsToBeFrame(bytes, at, number) || !findFrames(bytes, at, seed, number).next().done;
    return {
      state: this.#replay.state,
      segments: [...this.#done, summaryOf(last)],
      end: { at, number, previous: this.#previous, isClosed: this.#replay.isClosed },
      isTorn,
      prepared: this.#prepared,
    };
  }

  #readFrames(segment: Position): void {
    const { sequence, bytes } = segment;
    const seed = segmentSeed(this.#dataId, sequence);
    for (;;) {
      const frame = readFrame(bytes, segment.at, seed);
      if (frame === null || frame.number !== this.#number || frame.previous !== this.#previous) break;
      this.#take(sequence, segment.at, frame.body);
      segment.at = frame.end;
      this.#number = frame.number + 1;
      this.#previous = frame.crc;
    }
    segment.maxIndex = this.#replay.takeMaxIndex();
  }

  #take(sequence: number, at: number, body: Buffer): void {
    this.#replay.frame();
    let isKnown: boolean;
    try {
      isKnown = visitRecords(body, this.#replay);
    } catch (error) {
      if (error instanceof LogOrderError) throw corrupt(error.message);
      throw error;
    }
    const head = this.#replay.takeHead();
    if ((at === 0) !== (head !== null)) throw damaged(sequence, at);
    if (!isKnown || (head !== null && head.format > journalLimits.format))
      throw new JournalError('format', `the log was written by a newer version`);
  }

  /** Whether a whole frame says that the one that should be at `at` was synced. */
  #wasSynced(sequence: number, bytes: Buffer, at: number, number: number): boolean {
    for (const frame of findFrames(bytes, at, segmentSeed(this.#dataId, sequence), number))
      if (frame.syncedBelow > number) return true;
    return false;
  }
}

const summaryOf = ({ sequence, bytes, maxIndex }: Position): SegmentSummary => ({
  sequence,
  sizeBytes: bytes.length,
  maxIndex,
});

const corrupt = (what: string): JournalError => new JournalError('corrupt', what);

const damaged = (sequence: number, at: number): JournalError =>
  corrupt(`${nameOfSegment(sequence)} is damaged at byte ${at}, before frames that were written later`);
