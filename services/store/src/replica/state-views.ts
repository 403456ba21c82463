import type { Journal } from '@raftsman/journal';
import { ReplicaError, type StateView } from '../contract.js';

interface Waiting {
  readonly resolve: (view: StateView) => void;
  readonly reject: (error: Error) => void;
}

/** Who wants to read the whole state waits here for a moment between two writes. */
export class StateViews {
  #waiting: Waiting[] = [];

  get asked(): boolean {
    return this.#waiting.length > 0;
  }

  ask(): Promise<StateView> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Between writes. What is applied goes to the disk first, so that the view has it. Rejects as Journal.write does. */
  async open(journal: Journal): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      await journal.flush();
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (journal.durableState.index === 0) next.reject(new ReplicaError('no-leader'));
        else next.resolve(await journal.openView());
      }
    } finally {
      for (const { reject } of waiting) reject(new ReplicaError('stopped'));
    }
  }

  stop(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new ReplicaError('stopped'));
  }
}
