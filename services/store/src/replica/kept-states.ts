import type { MemberId } from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import { storeLimits } from '../limits.js';
import type { OutgoingState } from './peers/outgoing-state.js';

interface Kept {
  readonly state: OutgoingState;
  readonly timer: NodeJS.Timeout;
}

/** States whose stream was cut, until the next one goes on with them. */
export class KeptStates {
  readonly #logger: Logger;
  /** In the order in which they came. */
  readonly #kept = new Map<MemberId, Kept>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Takes it out. null: there is none, or the log does not go on from it any more. */
  async take(peer: MemberId, compactedIndex: number): Promise<OutgoingState | null> {
    const kept = this.#kept.get(peer);
    if (kept === undefined) return null;
    if (kept.state.view.meta.index < compactedIndex) {
      await this.#drop(peer);
      return null;
    }
    clearTimeout(kept.timer);
    this.#kept.delete(peer);
    return kept.state;
  }

  async keep(peer: MemberId, state: OutgoingState): Promise<void> {
    const keepMs = state.grace.cutAfter(state.takenRowCount, performance.now());
    const before = this.#kept.get(peer);
    this.#kept.delete(peer);
    const timer = setTimeout(() => void this.#drop(peer), keepMs).unref();
    this.#kept.set(peer, { state, timer });
    if (before !== undefined) await this.#close(before);
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size > storeLimits.snapshotsKeptMax) await this.#drop(oldest);
  }

  async clear(): Promise<void> {
    await Promise.all([...this.#kept.keys()].map((peer) => this.#drop(peer)));
  }

  async #drop(peer: MemberId): Promise<void> {
    const kept = this.#kept.get(peer);
    this.#kept.delete(peer);
    if (kept !== undefined) await this.#close(kept);
  }

  /** Never rejects. */
  async #close({ state, timer }: Kept): Promise<void> {
    clearTimeout(timer);
    try {
      await state.view.close();
    } catch (error) {
      this.#logger.warn({ err: error }, 'a state that was kept for a peer could not be closed');
    }
  }
}
