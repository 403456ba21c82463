import type { Revision } from '@raftsman/mvcc';
import { compactAt } from './compaction.js';
import {
  createCompactionSchedule,
  type AutoCompaction,
  type CompactionSchedule,
} from './compaction-schedule.js';
import { storeOf, type Context } from './context.js';
import { toEtcdError } from './errors.js';
import { etcdLimits } from './limits.js';

/** Follows the schedule: all members look, and the leader compacts. */
export class AutoCompactor {
  readonly #context: Context;
  readonly #wanted: AutoCompaction;
  readonly #schedule: CompactionSchedule;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(context: Context, wanted: AutoCompaction) {
    this.#context = context;
    this.#wanted = wanted;
    this.#schedule = createCompactionSchedule(wanted, performance.now());
    this.#recordAndWait();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #recordAndWait(): void {
    if (this.#closed) return;
    this.#schedule.record(storeOf(this.#context).revision);
    this.#timer = setTimeout(() => void this.#look(), this.#schedule.intervalMs + etcdLimits.timerEarlyMs);
  }

  /** Never rejects but for a bug. */
  async #look(): Promise<void> {
    const { replica } = this.#context;
    if (replica.standing === 'voter' && replica.status().role === 'leader') {
      const at = this.#schedule.due(performance.now(), storeOf(this.#context).revision);
      if (at !== null) await this.#compact(at);
    }
    this.#recordAndWait();
  }

  async #compact(at: Revision): Promise<void> {
    const { logger } = this.#context;
    const startedMs = performance.now();
    const said = { revision: at, ...this.#wanted };
    try {
      // A client may have gone further: the log is spared.
      if (storeOf(this.#context).compactRevision < at) {
        await compactAt(this.#context, at);
        logger.info({ ...said, tookMs: Math.round(performance.now() - startedMs) }, 'auto compaction');
      }
      this.#schedule.done(at, performance.now());
    } catch (error) {
      if (toEtcdError(error) === undefined) throw error;
      logger.warn({ err: error, ...said }, 'auto compaction failed; it is tried again');
    }
  }
}
