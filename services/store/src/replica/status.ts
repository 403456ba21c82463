import type { ReplicaStatus } from '../contract.js';

type Listener = (status: ReplicaStatus) => void;

/** Tells its listeners when role, leader or term change. */
export class StatusBoard {
  readonly #listeners = new Set<Listener>();
  #last: ReplicaStatus;

  constructor(first: ReplicaStatus) {
    this.#last = first;
  }

  isNews({ role, leader, term }: Pick<ReplicaStatus, 'role' | 'leader' | 'term'>): boolean {
    return role !== this.#last.role || leader !== this.#last.leader || term !== this.#last.term;
  }

  update(status: ReplicaStatus): void {
    this.#last = status;
    for (const listener of this.#listeners) listener(status);
  }

  /** Tells `listener` the present status at once. */
  listen(listener: Listener, present: ReplicaStatus): () => void {
    this.#listeners.add(listener);
    listener(present);
    return () => this.#listeners.delete(listener);
  }

  /** Whether a status from now on is as wanted, within `timeoutMs`. */
  reaches(isWanted: (status: ReplicaStatus) => boolean, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (reached: boolean): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(reached);
      };
      const listener = (status: ReplicaStatus): void => {
        if (isWanted(status)) end(true);
      };
      const timer = setTimeout(() => end(false), timeoutMs);
      this.#listeners.add(listener);
      listener(this.#last);
    });
  }
}
