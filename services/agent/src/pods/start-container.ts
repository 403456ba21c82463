import type { Pod } from '@raftsman/api';
import { ContainerConfigError } from '../containers/config-error.js';
import { containerConfig } from '../containers/container-config.js';
import type { Images } from '../containers/images.js';
import { podPaths, sandboxConfig } from '../containers/sandbox-config.js';
import { agentLimits } from '../limits.js';
import { RuntimeError, type PodSandboxStatus } from '../runtime/runtime.js';
import { podReference } from '../sources.js';
import type { MountedVolumes } from '../volumes/volumes.js';
import { hookOf, runHook } from './hooks.js';
import type { ContainerStart } from './plan.js';
import { identityOf, podFacts, type PodContext } from './pod-context.js';
import type { PodRuntimeState } from './pod-state.js';

export interface StartRequest {
  readonly pod: Pod;
  readonly state: PodRuntimeState;
  readonly sandbox: PodSandboxStatus;
  readonly volumes: MountedVolumes;
  readonly start: ContainerStart;
}

/** What keeps a container from running: the reason and message of its waiting state. */
export interface StartProblem {
  readonly reason: string;
  readonly message: string;
}

/** Image, configuration, creation, start, postStart. Answers what kept it from running, or undefined once it runs. */
export async function startContainer(
  context: PodContext,
  images: Images,
  request: StartRequest,
): Promise<StartProblem | undefined> {
  const { pod, start } = request;
  const object = podReference(pod, start.container.name, start.init);
  try {
    const image = await images.ensure(pod, start.container, start.init);
    const paths = podPaths(context.rootDir, identityOf(pod));
    const config = await step('CreateContainerConfigError', async () =>
      containerConfig({
        ...request,
        ...start,
        image,
        paths,
        facts: podFacts(context, pod, request.state),
        objects: context.objects,
        runtime: context.runtime,
      }),
    );
    const sandbox = sandboxConfig(pod, request.sandbox.metadata.attempt, paths.logDirectory);
    const id = await step('CreateContainerError', () =>
      context.runtime.createContainer(request.sandbox.id, config, sandbox),
    );
    context.events.event(object, 'Normal', 'Created', `Created container: ${start.container.name}`);
    await step('RunContainerError', () => context.runtime.startContainer(id));
    context.events.event(object, 'Normal', 'Started', `Started container ${start.container.name}`);
    await postStart(context, request, id);
    return undefined;
  } catch (error) {
    if (!(error instanceof ContainerConfigError)) throw error;
    // The image puller has told of its own troubles.
    if (!/Image/.test(error.reason)) {
      const reason = error.reason.startsWith('ProcessRuntime') ? error.reason : 'Failed';
      context.events.event(object, 'Warning', reason, `Error: ${error.message}`);
    }
    return { reason: error.reason, message: error.message };
  }
}

/** Names the step that failed, unless the failure already has a more exact name. */
async function step<T>(reason: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ContainerConfigError) throw error;
    const exact = error instanceof RuntimeError ? error.reason : undefined;
    const message = error instanceof Error ? error.message : String(error);
    throw new ContainerConfigError(message, exact ?? reason, { cause: error });
  }
}

/** A failed hook ends its container. */
async function postStart(context: PodContext, request: StartRequest, containerId: string): Promise<void> {
  const { pod, start, state } = request;
  const hook = hookOf(start.container, 'postStart');
  if (hook === undefined) return;
  const podIp = podFacts(context, pod, state).podIps[0] ?? '';
  const target = { container: start.container, containerId, podIp, runtime: context.runtime };
  try {
    await runHook(hook, target, agentLimits.postStartTimeoutMs);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const object = podReference(pod, start.container.name, start.init);
    context.events.event(object, 'Warning', 'FailedPostStartHook', `PostStartHook failed: ${why}`);
    context.events.event(object, 'Normal', 'Killing', 'FailedPostStartHook');
    await context.runtime.stopContainer(containerId, pod.spec.terminationGracePeriodSeconds ?? 30);
    throw new ContainerConfigError(why, 'PostStartHookError', { cause });
  }
}
