import type { Logger } from '@raftsman/telemetry';
import { isConflict } from './errors.js';
import type { WorkQueue } from './work-queue.js';

/** What a reconcile that went well may ask for. */
export interface Requeue {
  /** Look again then, whether something changed or not. Milliseconds. */
  readonly afterMs: number;
}

export interface ControllerOptions {
  readonly name: string;
  readonly queue: WorkQueue;
  /**
   * Brings the object of `key` one step towards what it should be. Reads caches, which are read-only and may lag; must be
   * safe to repeat. Throwing means: again, later.
   */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Requeue | void>;
  /** Keys that are reconciled at the same time. */
  readonly workers: number;
  /** All true before the first key is taken. */
  readonly synced?: readonly { waitForSync(signal: AbortSignal): Promise<boolean> }[];
  readonly logger: Logger;
}

export interface Controller {
  /** Runs until `signal` aborts and no reconcile is under way any more. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

export function createController(options: ControllerOptions): Controller {
  return {
    run: async (signal) => {
      const { queue, workers, synced = [] } = options;
      const stop = (): void => queue.shutDown({ drain: false });
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      const ready = await Promise.all(synced.map((informer) => informer.waitForSync(signal)));
      if (ready.every(Boolean))
        await Promise.all(Array.from({ length: workers }, () => work(options, signal)));
      signal.removeEventListener('abort', stop);
    },
  };
}

async function work(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { queue, reconcile } = options;
  for (;;) {
    const key = await queue.get();
    if (key === undefined || signal.aborted) return;
    try {
      const again = await reconcile(key, signal);
      queue.forget(key);
      if (again) queue.addAfter(key, again.afterMs);
    } catch (error) {
      retryLater(options, key, error, signal);
    } finally {
      queue.done(key);
    }
  }
}

/** The one place that decides what a failure means: it is tried again with growing pauses, and never given up. */
function retryLater(options: ControllerOptions, key: string, error: unknown, signal: AbortSignal): void {
  if (signal.aborted) return;
  const { name, queue, logger } = options;
  const fields = { controller: name, key, err: error, requeues: queue.requeues(key) };
  // A conflict only says that the cache lags behind: its watch event is on the way.
  if (isConflict(error)) logger.debug(fields, 'reconcile met a newer version, again');
  else logger.warn(fields, 'reconcile failed, again later');
  queue.addRateLimited(key);
}
