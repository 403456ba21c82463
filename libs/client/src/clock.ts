import { setMaxListeners } from 'node:events';

/** Time as an argument, so that queues and elections are tested in virtual time. */
export interface Clock {
  /** Never goes back; for durations. Milliseconds. */
  monotonicMs(): number;
  /** The calendar; for timestamps in objects. Milliseconds since 1970. */
  wallMs(): number;
  /** Calls back once; answers what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** setTimeout's own bound; a longer delay would fire at once. */
const delayMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), delayMsMax));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs`, or as soon as `signal` aborts. Never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** A pause that others may cut short. */
export interface Alarm {
  /** Ends the pause; without one, the next pause ends at once. */
  readonly ring: () => void;
  /** Resolves after `delayMs` or when it rings. One caller at a time. */
  rest(delayMs: number): Promise<void>;
}

export function createAlarm(clock: Clock): Alarm {
  let rung = false;
  let wake = (): void => {};
  return {
    ring: () => {
      rung = true;
      wake();
    },
    rest: (delayMs) =>
      new Promise((resolve) => {
        let cancel = (): void => {};
        wake = () => {
          rung = false;
          wake = () => {};
          cancel();
          resolve();
        };
        if (rung) wake();
        else cancel = clock.after(delayMs, wake);
      }),
  };
}

/** A turn for everything else that waits on the event loop. */
export const yieldToEventLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A signal that many calls and loops listen to at the same time, by design: without Node's warning of a leak. */
export function shared(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}
