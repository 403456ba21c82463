import type { EtcdStateMachine } from './state-machine.js';

/**
 * Drives the watch hub: soon after something was applied or a stream drained, in pieces between which everything else runs.
 * What is applied in one turn of the event loop is published together.
 */
export class WatchPump {
  readonly #stateMachine: EtcdStateMachine;
  #scheduled: NodeJS.Immediate | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(stateMachine: EtcdStateMachine) {
    this.#stateMachine = stateMachine;
    stateMachine.onActivity = () => this.wake();
  }

  wake(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      if (this.#stateMachine.watches.catchUp()) this.wake();
      for (const callback of this.#waiting) callback();
    });
  }

  /** Calls back after each piece of work, until `ignore`. */
  listen(callback: () => void): void {
    this.#waiting.add(callback);
  }

  ignore(callback: () => void): void {
    this.#waiting.delete(callback);
  }

  close(): void {
    this.#stateMachine.onActivity = null;
    clearImmediate(this.#scheduled);
  }
}
