import { etcdError, type EtcdError } from './errors.js';
import { etcdLimits } from './limits.js';

/** Everyone who waits, so that they are not too many, and hear of the end. */
export class Waiters {
  readonly #refuse = new Set<(error: EtcdError) => void>();

  /** Rejects with EtcdError. */
  async wait<T>(signal: AbortSignal, start: (resolve: (value: T) => void) => void): Promise<T> {
    if (signal.aborted) throw etcdError('canceled');
    if (this.#refuse.size >= etcdLimits.waitersMax) throw etcdError('tooManyRequests');
    let refuse!: (error: EtcdError) => void;
    const cancel = (): void => refuse(etcdError('canceled'));
    try {
      return await new Promise<T>((resolve, reject) => {
        refuse = reject;
        this.#refuse.add(refuse);
        signal.addEventListener('abort', cancel, { once: true });
        start(resolve);
      });
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#refuse.delete(refuse);
    }
  }

  get size(): number {
    return this.#refuse.size;
  }

  /** Whoever waits is told that this member stops. */
  close(): void {
    for (const refuse of this.#refuse) refuse(etcdError('stopped'));
  }
}
