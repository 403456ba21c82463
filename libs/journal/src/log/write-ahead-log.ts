import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { logIndex, term, type HardState, type LogIndex } from '@raftsman/raft';
import { fromFileError, isNoSpace, JournalError } from '../errors.js';
import { syncDirectory } from '../files.js';
import { journalLimits } from '../limits.js';
import type { CompactedRecord } from '../records.js';
import { frameHeaderBytes } from './frame.js';
import { readLog, type SegmentSummary } from './read-log.js';
import { bodyBytes, encodeKnown, framesOf, type Known, type LogFrame, type LogGroup } from './records.js';
import type { LogState } from './replay.js';
import { SegmentFiles } from './segment-files.js';
import { SegmentWriter } from './segment-writer.js';

export interface LogOptions {
  readonly directory: string;
  readonly dataId: number;
  readonly segmentBytes: number;
  /** There is no room for the next segment: gives some free, if there is any left. The log tries again then, and waits until it succeeds. */
  readonly makeRoom: () => Promise<void>;
}

/** What every segment begins with, so that the ones before it can go. */
interface Standing {
  readonly hardState: HardState;
  readonly compacted: CompactedRecord;
  readonly known: Known;
}

/**
 * Raft's entries, hard state and marks in segment files (frame.ts, records.ts). Calls are carried out one after the other. A rejected `append` is
 * final: every later one rejects too.
 */
export class WriteAheadLog {
  readonly #options: LogOptions;
  readonly #files: SegmentFiles;
  #writer: SegmentWriter;
  /** Older ones, in their order. */
  #sealed: SegmentSummary[];
  #prepared: SegmentSummary | null;
  #standing: Standing;
  #lastIndex: LogIndex;
  /** Of the next frame. */
  #number: number;
  #previous: number;
  #isClosed: boolean;
  /** The frames below it are synced. */
  #syncedBelow: number;
  #writtenBytes = 0;
  #isShort = false;
  #isWaitingForRoom = false;
  #closing = new AbortController();
  /** The calls so far. */
  #turn: Promise<void> = Promise.resolve();
  /** Preparing and releasing of files; a failure is told by the next append that needs a segment. */
  #housekeeping: Promise<void> = Promise.resolve();
  #failure: Error | null = null;

  private constructor(
    options: LogOptions,
    files: SegmentFiles,
    writer: SegmentWriter,
    from: {
      readonly standing: Standing;
      readonly lastIndex: LogIndex;
      readonly sealed: SegmentSummary[];
      readonly prepared: SegmentSummary | null;
      readonly number: number;
      readonly previous: number;
      readonly isClosed: boolean;
    },
  ) {
    this.#options = options;
    this.#files = files;
    this.#writer = writer;
    this.#standing = from.standing;
    this.#lastIndex = from.lastIndex;
    this.#sealed = from.sealed;
    this.#prepared = from.prepared;
    this.#number = from.number;
    this.#previous = from.previous;
    this.#isClosed = from.isClosed;
    this.#syncedBelow = from.number;
  }

  /** A log of a new data directory. What a crash left of an earlier try is overwritten. */
  static async create(options: LogOptions, known: Known): Promise<WriteAheadLog> {
    const files = await openFiles(options);
    for (const sequence of await files.list()) await files.remove(sequence);
    const first = { sequence: 1, sizeBytes: await files.prepare(1), maxIndex: 0 };
    const writer = await SegmentWriter.open(files.pathOf(1), options.dataId, first, 0);
    const hardState = { term: term(0), vote: null, commit: logIndex(0) };
    const standing = { hardState, compacted: { index: logIndex(0), term: term(0) }, known };
    const log = new WriteAheadLog(options, files, writer, {
      standing,
      lastIndex: logIndex(0),
      sealed: [],
      prepared: null,
      number: 1,
      previous: 0,
      isClosed: true,
    });
    log.#gather(log.#headOf(1));
    await log.#flush();
    log.#prepareNext();
    return log;
  }

  /** null: there is none. Rejects with JournalError. */
  static async open(
    options: LogOptions,
  ): Promise<{ readonly log: WriteAheadLog; readonly state: LogState; readonly cut: string | null } | null> {
    const files = await openFiles(options);
    const read = await readLog(files, options.dataId);
    if (read === null) return null;
    const { state, segments, end, isTorn, prepared } = read;
    const last = segments.at(-1)!;
    const path = files.pathOf(last.sequence);
    const writer = await SegmentWriter.open(path, options.dataId, last, end.at);
    if (isTorn) await writer.cutTail();
    await writer.syncFound();
    const log = new WriteAheadLog(options, files, writer, {
      standing: state,
      lastIndex: state.entries.at(-1)?.index ?? state.compacted.index,
      sealed: segments.slice(0, -1),
      prepared: prepared !== null && prepared.sizeBytes >= options.segmentBytes ? prepared : null,
      ...end,
    });
    if (prepared !== null && log.#prepared === null) await files.remove(prepared.sequence);
    log.#prepareNext();
    return { log, state, cut: isTorn ? `${path} after byte ${end.at}` : null };
  }

  /** There was no room for the next segment, and older ones may be given free. */
  get isShort(): boolean {
    return this.#isShort && this.#sealed.length > 0;
  }

  /** An append waits until there is room on the disk. */
  get isWaitingForRoom(): boolean {
    return this.#isWaitingForRoom;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Resolves when the group, and all before it, survives a power failure. */
  append(group: LogGroup): Promise<void> {
    return this.#inTurn(() => this.#append(group));
  }

  /** As `append`. `hardState`: null: unchanged. */
  remember(change: (known: Known) => Known, hardState: HardState | null = null): Promise<void> {
    return this.#inTurn(() => {
      const { hardState: present, known } = this.#standing;
      const group = { install: null, compacted: null, hardState: hardState ?? present, entries: [] };
      return this.#append({ ...group, known: change(known) });
    });
  }

  /** Gives free the segments whose entries were compacted; not before nothing else in them is needed. */
  release(): void {
    const { index } = this.#standing.compacted;
    while (this.#sealed.length > 0 && this.#sealed[0]!.maxIndex <= index) {
      const { sequence, sizeBytes } = this.#sealed.shift()!;
      this.#keepHouse(async () => {
        const next = this.#prepared === null ? this.#writer.sequence + 1 : null;
        const reused = await this.#files.release(sequence, sizeBytes, next);
        if (!reused) return;
        this.#prepared = { sequence: next!, sizeBytes, maxIndex: 0 };
        this.#isShort = false;
      });
    }
  }

  /** Resolves when the files that were asked for are made ready and given free. */
  async settled(): Promise<void> {
    await this.#housekeeping;
  }

  /** Leaves word that all was synced, if something was written since the last time and there is room for it. */
  async close(hardState: HardState): Promise<void> {
    await this.#rest();
    try {
      const frame = { ...blank(hardState), closed: true };
      if (this.#failure === null && !this.#isClosed && this.#writer.hasRoomFor(frame)) {
        this.#gather(frame);
        await this.#flush();
      }
    } finally {
      await this.#writer.close();
    }
  }

  /** Closes without a word. */
  async abandon(): Promise<void> {
    await this.#rest();
    await this.#writer.close();
  }

  async #rest(): Promise<void> {
    this.#closing.abort();
    await this.#turn;
    await this.#housekeeping;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(async () => {
      if (this.#failure !== null) throw this.#failure;
      try {
        await work();
      } catch (error) {
        throw this.#fail(error);
      }
    });
    this.#turn = result.catch(() => undefined); // The caller has it.
    return result;
  }

  async #append(group: LogGroup): Promise<void> {
    this.#isClosed = false;
    if (group.known !== null) this.#standing = { ...this.#standing, known: group.known };
    for (const frame of framesOf(group, this.#lastIndex)) {
      if (!this.#writer.hasRoomFor(frame)) {
        await this.#flush();
        await this.#roll(frame);
      }
      this.#gather(frame);
      this.#stand(frame);
    }
    await this.#flush();
    if (this.#prepared === null) this.#prepareNext();
  }

  #gather(frame: LogFrame): void {
    const link = { number: this.#number, syncedBelow: this.#syncedBelow, previous: this.#previous };
    this.#previous = this.#writer.gather(frame, link);
    this.#number += 1;
  }

  #stand({ hardState, compacted, entries }: LogFrame): void {
    const { compacted: before, known } = this.#standing;
    this.#standing = { hardState, compacted: compacted ?? before, known };
    const last = entries.at(-1);
    if (last !== undefined) this.#lastIndex = last.index;
  }

  async #flush(): Promise<void> {
    this.#writtenBytes += await this.#writer.flush();
    this.#syncedBelow = this.#number;
  }

  /** Goes on in the next segment; what was written to this one is synced. */
  async #roll(frame: LogFrame): Promise<void> {
    const sequence = this.#writer.sequence + 1;
    const head = this.#headOf(sequence);
    const neededBytes = 2 * frameHeaderBytes + bodyBytes(head) + bodyBytes(frame);
    const next = await this.#nextSegment(neededBytes);
    const full = this.#writer;
    this.#writer = await SegmentWriter.open(this.#files.pathOf(sequence), this.#options.dataId, next, 0);
    this.#prepared = null;
    this.#sealed.push({ sequence: full.sequence, sizeBytes: full.sizeBytes, maxIndex: full.maxIndex });
    await full.close();
    this.#gather(head);
  }

  /** Waits until there is room for it. */
  async #nextSegment(neededBytes: number): Promise<SegmentSummary> {
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0) await this.#options.makeRoom();
      if (attempt > 1) await this.#waitForRoom();
      this.#prepareNext(neededBytes);
      await this.#housekeeping;
      if (this.#failure !== null) throw this.#failure;
      if (this.#prepared !== null && this.#prepared.sizeBytes >= neededBytes) return this.#prepared;
    }
  }

  async #waitForRoom(): Promise<void> {
    this.#isWaitingForRoom = true;
    try {
      await sleep(journalLimits.roomRetryMs, undefined, { signal: this.#closing.signal });
    } catch {
      throw new JournalError('io', `${this.#options.directory}: the disk is full`);
    } finally {
      this.#isWaitingForRoom = false;
    }
  }

  /** In advance, so that no write waits for it. Without room there is none until there is; then the next roll asks again. */
  #prepareNext(neededBytes = 0): void {
    this.#keepHouse(async () => {
      const sequence = this.#writer.sequence + 1;
      try {
        const sizeBytes = this.#prepared?.sizeBytes ?? (await this.#files.prepare(sequence));
        this.#prepared = { sequence, sizeBytes, maxIndex: 0 };
        if (sizeBytes < neededBytes) {
          await this.#files.enlarge(sequence, neededBytes);
          this.#prepared = { sequence, sizeBytes: neededBytes, maxIndex: 0 };
        }
        this.#isShort = false;
      } catch (error) {
        if (!isNoSpace(error)) throw error;
        this.#isShort = true;
      }
    });
  }

  #keepHouse(work: () => Promise<void>): void {
    this.#housekeeping = this.#housekeeping.then(work).catch((error: unknown) => void this.#fail(error));
  }

  #fail(error: unknown): Error {
    this.#failure ??= fromFileError(this.#options.directory, error);
    return this.#failure;
  }

  #headOf(sequence: number): LogFrame {
    const { hardState, compacted, known } = this.#standing;
    const head = { dataId: this.#options.dataId, sequence, format: journalLimits.format };
    return { ...blank(hardState), head, compacted, known: encodeKnown(known) };
  }
}

const blank = (hardState: HardState): LogFrame => ({
  head: null,
  install: null,
  compacted: null,
  known: null,
  hardState,
  entries: [],
  closed: false,
});

async function openFiles({ directory, segmentBytes }: LogOptions): Promise<SegmentFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await syncDirectory(dirname(directory));
  return new SegmentFiles(directory, segmentBytes);
}
