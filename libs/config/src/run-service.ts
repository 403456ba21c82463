import { setMaxListeners } from 'node:events';
import { keepSmallWhenQuiet } from './quiet-memory.js';

/**
 * Runs `body` until SIGINT or SIGTERM, or until the parent that started this process over an IPC channel is gone
 * (a supervisor that was killed takes its services with it). A second signal ends the process at once.
 */
export async function runService(body: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  // Each part of a service listens for its end; Node takes more than ten for a leak.
  setMaxListeners(0, controller.signal);
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  if (process.channel) {
    process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
    process.channel.unref();
  }
  keepSmallWhenQuiet(controller.signal);
  await body(controller.signal);
}
