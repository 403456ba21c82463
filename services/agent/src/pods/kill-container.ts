import type { Container, Pod } from '@raftsman/api';
import type { ContainerStatus } from '../runtime/runtime.js';
import { podReference } from '../sources.js';
import { hookOf, runHook } from './hooks.js';
import { podFacts, type PodContext } from './pod-context.js';
import type { PodRuntimeState } from './pod-state.js';

/** After a preStop hook that used up the grace a container still has this long. */
const graceAfterHookSecondsMin = 2;

export interface KillRequest {
  readonly pod: Pod;
  readonly state: PodRuntimeState;
  readonly running: ContainerStatus;
  /** Absent if the pod's spec is no longer known. */
  readonly container: Container | undefined;
  readonly graceSeconds: number;
  readonly message: string;
}

/** preStop, SIGTERM, SIGKILL, all within the grace. Resolves once the container is gone; rejects if the runtime fails. */
export async function killContainer(context: PodContext, request: KillRequest): Promise<void> {
  const { pod, running, container, graceSeconds } = request;
  const object = podReference(pod, running.metadata.name);
  context.events.event(object, 'Normal', 'Killing', request.message);
  const startedMs = context.now();
  const hook = hookOf(container, 'preStop');
  if (hook !== undefined && container !== undefined && graceSeconds > 0) {
    const podIp = podFacts(context, pod, request.state).podIps[0] ?? '';
    const target = { container, containerId: running.id, podIp, runtime: context.runtime };
    await runHook(hook, target, graceSeconds * 1_000).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      context.events.event(object, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${why}`);
    });
  }
  const usedSeconds = Math.floor((context.now() - startedMs) / 1_000);
  const left = graceSeconds === 0 ? 0 : Math.max(graceAfterHookSecondsMin, graceSeconds - usedSeconds);
  await context.runtime.stopContainer(running.id, hook === undefined ? graceSeconds : left);
}
