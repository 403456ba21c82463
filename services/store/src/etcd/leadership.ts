import type { Replica } from '../contract.js';

/** Tells streams that require a leader when there has been none for too long (etcd's monitorLeader). */
export class Leadership {
  readonly #replica: Replica;
  readonly #lossMs: number;
  readonly #callbacks = new Set<() => void>();
  readonly #stop: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(replica: Replica, lossMs: number) {
    this.#replica = replica;
    this.#lossMs = lossMs;
    this.#stop = replica.onStatusChange(({ leader }) => {
      if (leader === null) this.#timer ??= setTimeout(() => this.#lost(), this.#lossMs);
      else this.#found();
    });
  }

  hasLeader(): boolean {
    return this.#replica.status().leader !== null;
  }

  /** Calls back once when the leader is lost; answers how to stop. */
  onLost(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  /** Resolves once there is a leader, after `timeoutMs` at the latest. */
  async untilLed(timeoutMs: number): Promise<void> {
    if (this.hasLeader()) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(end, timeoutMs);
      // What it is told at once is that nobody leads.
      const stop = this.#replica.onStatusChange(({ leader }) => {
        if (leader !== null) end();
      });
    });
  }

  close(): void {
    this.#stop();
    this.#found();
    this.#callbacks.clear();
  }

  #found(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #lost(): void {
    this.#timer = undefined;
    const callbacks = [...this.#callbacks];
    this.#callbacks.clear();
    for (const callback of callbacks) callback();
  }
}
