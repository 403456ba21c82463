import { logIndex, term, type Entry, type HardState } from '@raftsman/raft';
import type { CompactedRecord, StateRecord } from '../records.js';
import type { Known, RecordVisitor, SegmentHead } from './records.js';

/** What the records of a log amount to. */
export interface LogState {
  readonly hardState: HardState;
  readonly compacted: CompactedRecord;
  /** Contiguous. They start after `compacted`, unless what lay between is lost. */
  readonly entries: readonly Entry[];
  /** The last snapshot that was installed; it takes effect if the rows are still of an earlier generation. */
  readonly install: StateRecord | null;
  readonly known: Known;
}

/** Records that cannot follow each other. */
export class LogOrderError extends Error {}

/** Takes the records of a log in their order. */
export class Replay implements RecordVisitor {
  #hardState: HardState = { term: term(0), vote: null, commit: logIndex(0) };
  #compacted: CompactedRecord = { index: logIndex(0), term: term(0) };
  #entries: Entry[] = [];
  #install: StateRecord | null = null;
  #known: Known = { peers: [], rebuild: null };
  #maxIndex = 0;
  #head: SegmentHead | null = null;
  #isClosed = false;

  get state(): LogState {
    const { index } = this.#compacted;
    const entries = this.#entries.filter((entry) => entry.index > index);
    return {
      hardState: this.#hardState,
      compacted: this.#compacted,
      entries,
      install: this.#install,
      known: this.#known,
    };
  }

  /** Whether the last frame said that the journal was closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Of a segment that begins. */
  takeHead(): SegmentHead | null {
    const head = this.#head;
    this.#head = null;
    return head;
  }

  /** The highest index since the last call. */
  takeMaxIndex(): number {
    const index = this.#maxIndex;
    this.#maxIndex = 0;
    return index;
  }

  frame(): void {
    this.#isClosed = false;
  }

  head(head: SegmentHead): void {
    this.#head = head;
  }

  hardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  compacted(compacted: CompactedRecord): void {
    this.#compacted = compacted;
    const kept = this.#entries.findIndex(({ index }) => index > compacted.index);
    this.#entries = kept === -1 ? [] : this.#entries.slice(kept);
  }

  /** Throws LogOrderError. */
  entry(entry: Entry): void {
    this.#maxIndex = Math.max(this.#maxIndex, entry.index);
    const first = this.#entries[0];
    if (first !== undefined) {
      const at = entry.index - first.index;
      if (at > this.#entries.length) throw new LogOrderError(`log entries before ${entry.index} are missing`);
      this.#entries.length = Math.max(0, at);
    }
    this.#entries.push(entry);
  }

  /** Throws LogOrderError. */
  install(state: StateRecord): void {
    if (this.#install !== null && state.generation <= this.#install.generation)
      throw new LogOrderError(`snapshot ${state.generation} follows ${this.#install.generation}`);
    this.#install = state;
    this.#compacted = { index: state.index, term: state.term };
    this.#entries = [];
  }

  known(known: Known): void {
    this.#known = known;
  }

  closed(): void {
    this.#isClosed = true;
  }
}
