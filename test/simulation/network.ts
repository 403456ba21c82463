import type { MemberId, Message } from '@raftsman/raft';
import type { Plan } from './plan.js';
import type { Random } from './random.js';
import type { Timeline } from './timeline.js';

/** Loses, delays, reorders and duplicates; links break in one direction at a time. */
export class SimulatedNetwork {
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #plan: Plan;
  readonly #deliver: (message: Message) => void;
  readonly #cut = new Set<number>();
  #healed = false;

  constructor(timeline: Timeline, random: Random, plan: Plan, deliver: (message: Message) => void) {
    this.#timeline = timeline;
    this.#random = random;
    this.#plan = plan;
    this.#deliver = deliver;
  }

  send(message: Message): void {
    if (this.#healed) {
      this.#transmit(message, 1 + this.#random.below(3));
      return;
    }
    const random = this.#random;
    if (random.chance(this.#plan.messageLoss)) return;
    this.#transmit(message, this.#delayMs());
    if (random.chance(this.#plan.messageDuplication)) this.#transmit(message, this.#delayMs());
  }

  #delayMs(): number {
    const { messageDelayMsMax, messageLatenessMsMax } = this.#plan;
    const lateMs = this.#random.chance(0.05) ? this.#random.below(messageLatenessMsMax + 1) : 0;
    return 1 + this.#random.below(messageDelayMsMax) + lateMs;
  }

  #transmit(message: Message, delayMs: number): void {
    this.#timeline.after(delayMs, () => {
      if (this.isOpen(message.from, message.to)) this.#deliver(message);
    });
  }

  isOpen(from: MemberId, to: MemberId): boolean {
    return !this.#cut.has(from * 64 + to);
  }

  cut(from: MemberId, to: MemberId): void {
    if (!this.#healed) this.#cut.add(from * 64 + to);
  }

  mend(): void {
    this.#cut.clear();
  }

  /** No more faults for the rest of the run. */
  heal(): void {
    this.#healed = true;
    this.mend();
  }
}
