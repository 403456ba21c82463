import type { Beat__Output } from '@raftsman/proto/gen/raftsman/v1/Beat.js';
import { limits } from '../limits.js';

/** Takes beats and passes each on to everybody who watches; keeps none. */
export class BeatHub {
  readonly #watchers = new Set<BeatWatcher>();

  get watchers(): number {
    return this.#watchers.size;
  }

  /** At shutdown: ends every watch. */
  close(): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  publish(beat: Beat__Output): void {
    for (const watcher of this.#watchers) watcher.offer(beat);
  }

  /** `onClose`: the watcher hears no more. null: there are too many already. */
  watch(send: (beat: Beat__Output) => boolean, onClose: () => void = () => undefined): BeatWatcher | null {
    if (this.#watchers.size >= limits.beatWatchers) return null;
    const watcher = new BeatWatcher(send, () => {
      this.#watchers.delete(watcher);
      onClose();
    });
    this.#watchers.add(watcher);
    return watcher;
  }
}

/**
 * One who watches, and what waits for it. Beats are only worth their time: when the queue is full the oldest goes, so that
 * a slow watcher sees gaps and never an old beat as a new one's delay.
 */
export class BeatWatcher {
  readonly #send: (beat: Beat__Output) => boolean;
  readonly #onClose: () => void;
  readonly #queue: Beat__Output[] = [];
  #flowing = true;

  /** `send` answers whether there is room for more. */
  constructor(send: (beat: Beat__Output) => boolean, onClose: () => void) {
    this.#send = send;
    this.#onClose = onClose;
  }

  offer(beat: Beat__Output): void {
    if (this.#flowing) {
      this.#flowing = this.#send(beat);
      return;
    }
    if (this.#queue.length === limits.beatQueue) this.#queue.shift();
    this.#queue.push(beat);
  }

  /** There is room again. */
  resume(): void {
    this.#flowing = true;
    while (this.#flowing && this.#queue.length > 0) this.#flowing = this.#send(this.#queue.shift()!);
  }

  close(): void {
    this.#queue.length = 0;
    this.#onClose();
  }
}
