import type { ReplicaStatus } from '../contract.js';

type Listener = (status: ReplicaStatus) => void;

/** Tells its listeners when role, leader or term change. */
export class StatusBoard {
  readonly #listeners = new Set<Listener>();
  #last: ReplicaStatus;

  constructor(first: ReplicaStatus) {
    this.#last = first;
  }

  /** Answers whether there was news. */
  update(status: ReplicaStatus): boolean {
    const { role, leader, term } = this.#last;
    this.#last = status;
    if (role === status.role && leader === status.leader && term === status.term) return false;
    for (const listener of this.#listeners) listener(status);
    return true;
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    listener(this.#last);
    return () => this.#listeners.delete(listener);
  }
}
