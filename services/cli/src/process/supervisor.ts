import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Logger } from '@raftsman/telemetry';
import type { StatePaths } from '../cluster/paths.js';
import { cliLimits } from '../limits.js';
import { removePid, writePid } from './pids.js';
import { spawnSupervised, type ProcessSpec } from './spawn.js';

/**
 * Keeps a machine's services running, each by itself, until `signal` aborts; then stops them in reverse order.
 * If this process is killed, they die with it: a machine fails as a whole.
 */
export async function supervise(
  specs: readonly ProcessSpec[],
  paths: StatePaths,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const keepers = specs.map((spec) => keepRunning(spec, paths, logger));
  if (!signal.aborted) await once(signal, 'abort');
  for (const keeper of keepers.reverse()) await keeper.stop();
}

interface Keeper {
  stop(): Promise<void>;
}

type State =
  | { readonly kind: 'running'; readonly child: ChildProcess }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'stopped' };

function keepRunning(spec: ProcessSpec, paths: StatePaths, logger: Logger): Keeper {
  let state: State;
  let waitMs: number = cliLimits.restartWaitMinMs;

  function start(): void {
    const startedMs = performance.now();
    const child = spawnSupervised(spec, paths);
    state = { kind: 'running', child };
    if (child.pid !== undefined) writePid(paths, spec.member, child.pid);
    logger.info({ member: spec.member, pid: child.pid }, 'started');
    child.once('error', (error) => logger.error({ member: spec.member, err: error }, 'cannot start'));
    child.once('close', (code, killedBy) => {
      removePid(paths, spec.member);
      if (state.kind === 'stopped') return;
      const livedMs = performance.now() - startedMs;
      waitMs = livedMs >= cliLimits.healthyAfterMs ? cliLimits.restartWaitMinMs : waitMs;
      logger.warn({ member: spec.member, code, signal: killedBy, restartInMs: waitMs }, 'ended');
      state = { kind: 'waiting', timer: setTimeout(start, waitMs) };
      waitMs = Math.min(waitMs * 2, cliLimits.restartWaitMaxMs);
    });
  }
  start();

  return {
    stop: async () => {
      const before = state;
      state = { kind: 'stopped' };
      if (before.kind === 'waiting') clearTimeout(before.timer);
      if (before.kind !== 'running') return;
      const { child } = before;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), cliLimits.stopGraceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
