import { randomInt } from 'node:crypto';
import type { StateView } from '@raftsman/journal';
import { storeLimits } from '../../limits.js';
import { Grace } from './grace.js';

/** The end of a frame of rows. */
export interface Mark {
  /** Rows up to here, and the CRC-32 of their keys and values. */
  readonly rowCount: number;
  readonly crc32: number;
  readonly lastKey: Uint8Array | null;
}

const beginning: Mark = { rowCount: 0, crc32: 0, lastKey: null };

/** A state on its way to one peer, over as many streams as that takes. */
export class OutgoingState {
  readonly id: number = randomInt(1, 2 ** 48 - 1);
  readonly view: StateView;
  readonly grace: Grace;
  /** Of the last frames that were sent, and where the last stream began. */
  #marks: Mark[] = [];
  #begun: Mark = beginning;

  constructor(view: StateView, keepMs: number = storeLimits.snapshotKeepMs) {
    this.view = view;
    this.grace = new Grace(keepMs);
  }

  /** A peer may have some of it. */
  get isUnderWay(): boolean {
    return this.#marks.length > 0;
  }

  /** What the peer is known to have. */
  get takenRowCount(): number {
    return this.#begun.rowCount;
  }

  /** Before the frame goes out. */
  sending(mark: Mark): void {
    this.#marks.push(mark);
    if (this.#marks.length > storeLimits.snapshotMarksMax) this.#marks.shift();
  }

  /** Where the next stream begins, for a peer that says how much it has: at the start, if that is not what was sent. */
  beginAfter(taken: Pick<Mark, 'rowCount' | 'crc32'>): Mark {
    const mark = this.#marks.find(
      ({ rowCount, crc32 }) => rowCount === taken.rowCount && crc32 === taken.crc32,
    );
    this.#begun = mark ?? beginning;
    this.#marks = mark === undefined ? [] : [mark];
    return this.#begun;
  }
}
