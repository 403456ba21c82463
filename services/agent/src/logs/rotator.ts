import type { Logger } from '@raftsman/telemetry';
import { agentLimits } from '../limits.js';
import type { Runtime } from '../runtime/runtime.js';
import { rotateLog } from './rotate.js';

/**
 * Bounds the logs of a runtime that only appends: moves full files aside and has the runtime open new ones. Looks at
 * running containers only, so that an idle node does nothing.
 */
export function startLogRotator(runtime: Runtime, logger: Logger, signal: AbortSignal): void {
  const rotate = async (): Promise<void> => {
    for (const { id, state } of await runtime.listContainers()) {
      if (state !== 'running' || signal.aborted) continue;
      const { logPath } = await runtime.containerStatus(id);
      if (logPath !== '' && (await rotateLog(logPath))) await runtime.reopenContainerLog(id);
    }
  };
  const timer = setInterval(() => {
    rotate().catch((error: unknown) => {
      if (!signal.aborted) logger.warn({ err: error }, 'moving container logs aside');
    });
  }, agentLimits.containerLogCheckMs);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
