import { getHeapSpaceStatistics } from 'node:v8';

export interface QuietMemoryOptions {
  /** Default: Node.js' own, where the process was started with --expose-gc; without one nothing is done. */
  readonly collect?: ((options: { readonly type: 'minor' }) => void) | undefined;
  /** Default: this process. */
  readonly look?: () => Look;
}

export interface Look {
  /** The share of the time since the last look in which the event loop had something to do. */
  readonly utilization: number;
  /** V8's new space, both halves. */
  readonly newSpaceBytes: number;
}

const lookIntervalMs = 10_000;
const quietUtilizationMax = 0.1;
/** A larger one has grown by what the process did. */
const newSpaceBytesMin = 2 * 1024 * 1024;

/**
 * Gives back what V8's new space has grown by, 15 MB after a start, once the process is quiet. V8 does so by itself when the space is full the
 * next time, and finds only at collections that little is allocated, so that a process which allocates next to nothing waits minutes for it.
 * A collection of the new space alone takes a few milliseconds; where there is nothing to give back there is none. Ends with `signal`.
 */
export function keepSmallWhenQuiet(signal: AbortSignal, options: QuietMemoryOptions = {}): void {
  const { collect = (globalThis as QuietMemoryGlobal).gc, look = createLook() } = options;
  if (collect === undefined || signal.aborted) return;
  const timer = setInterval(() => {
    const { utilization, newSpaceBytes } = look();
    if (utilization < quietUtilizationMax && newSpaceBytes > newSpaceBytesMin) collect({ type: 'minor' });
  }, lookIntervalMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

interface QuietMemoryGlobal {
  readonly gc?: QuietMemoryOptions['collect'];
}

/** Looks at this process. */
export function createLook(): () => Look {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return { utilization, newSpaceBytes: newSpaceBytes() };
  };
}

const newSpaceBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
