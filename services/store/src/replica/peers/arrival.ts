import { crc32 } from 'node:zlib';
import type { StateRow, Staging } from '@raftsman/journal';
import type { MemberId } from '@raftsman/raft';
import type { SnapshotHeader__Output } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotHeader.js';
import { Grace } from './grace.js';

/** What has come of a state, over as many streams as that takes. */
export class Arrival {
  readonly staging: Staging;
  readonly grace: Grace;
  readonly #from: MemberId;
  readonly #header: SnapshotHeader__Output;
  #rowCount = 0;
  #crc32 = 0;

  constructor(from: MemberId, header: SnapshotHeader__Output, staging: Staging, keepMs: number) {
    this.#from = from;
    this.#header = header;
    this.staging = staging;
    this.grace = new Grace(keepMs);
  }

  get position(): { readonly rowCount: number; readonly crc32: number } {
    return { rowCount: this.#rowCount, crc32: this.#crc32 };
  }

  /** Senders that give their states no id (0) cannot go on. */
  isOf(from: MemberId, stateId: string): boolean {
    return from === this.#from && stateId === this.#header.stateId && Number(stateId) !== 0;
  }

  /** Whether a stream with this header brings what comes after. */
  goesOnWith(from: MemberId, header: SnapshotHeader__Output): boolean {
    const { index, indexTerm } = this.#header;
    return (
      this.isOf(from, header.stateId) &&
      header.index === index &&
      header.indexTerm === indexTerm &&
      Number(header.afterRowCount) === this.#rowCount
    );
  }

  /** Rejects with JournalError; nothing goes on after that. */
  async add(rows: readonly StateRow[]): Promise<void> {
    await this.staging.add(rows);
    for (const { key, value } of rows) this.#crc32 = crc32(value, crc32(key, this.#crc32));
    this.#rowCount += rows.length;
  }
}
