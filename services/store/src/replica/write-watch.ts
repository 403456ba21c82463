import type { Raft } from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import { storeLimits } from '../limits.js';
import { canDoWithout, successorOf } from './successor.js';

export interface WriteWatchOptions {
  readonly raft: Pick<Raft, 'status' | 'transferLeadership'>;
  readonly tickMs: number;
  readonly electionTimeoutMs: number;
  readonly logger: Logger;
}

/**
 * Notices a write of the log that does not come to its end: a card that hangs, a full disk. Such a member goes on answering its peers, so that a leader
 * would lead for as long as that lasts, and its own clients would wait in vain. It asks another one to take over, for which this member writes nothing,
 * if the others can do without it; if not, there is nothing better than to wait. Rows are not watched: many of them take long on any card, and
 * on every member at the same time.
 *
 * Counted in ticks, of which a process that stood still gets one (host.ts): its write may have ended long ago.
 */
export class WriteWatch {
  readonly #options: WriteWatchOptions;
  readonly #patienceTicks: number;
  /** That the present write has taken; null: there is none. */
  #ticks: number | null = null;

  constructor(options: WriteWatchOptions) {
    const { stalledWriteElectionTimeouts, stalledWriteMsMin } = storeLimits;
    const patienceMs = Math.max(stalledWriteMsMin, stalledWriteElectionTimeouts * options.electionTimeoutMs);
    this.#options = options;
    this.#patienceTicks = Math.ceil(patienceMs / options.tickMs);
  }

  /** One at a time. */
  async watch(write: Promise<void>): Promise<void> {
    this.#ticks = 0;
    await write;
    this.#ticks = null;
  }

  /** Acts again each time that the patience has passed once more: whoever was asked may not have got there. */
  tick(): void {
    if (this.#ticks === null) return;
    this.#ticks += 1;
    if (this.#ticks % this.#patienceTicks === 0) this.#giveWay();
  }

  #giveWay(): void {
    const { raft, logger, tickMs } = this.#options;
    const status = raft.status();
    const successor = canDoWithout(status) ? successorOf(status) : null;
    if (this.#ticks === this.#patienceTicks)
      logger.warn({ afterMs: this.#patienceTicks * tickMs }, 'the disk does not end a write');
    if (successor === null) return;
    logger.warn({ to: successor.toString(16) }, 'leadership goes to a member that can write');
    raft.transferLeadership(successor);
  }
}
