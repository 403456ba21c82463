import type {
  Container,
  ContainerState,
  ContainerStateTerminated,
  ContainerStateWaiting,
  ContainerStatus as ApiContainerStatus,
} from '@raftsman/api';
import type { ContainerStatus } from '../runtime/runtime.js';
import type { ProbeVerdict } from './plan.js';
import { isSidecar, restartCountOf, type PodRuntimeState } from './pod-state.js';

export interface ContainerStatusInput {
  readonly container: Container;
  readonly init: boolean;
  readonly state: PodRuntimeState;
  readonly verdict: (containerId: string) => ProbeVerdict;
  /** What holds it up, if the agent knows. */
  readonly problem: ContainerStateWaiting | undefined;
  /** What a container waits for that nothing is known of. */
  readonly waitsFor: 'PodInitializing' | 'ContainerCreating';
  readonly reported: ApiContainerStatus | undefined;
  /** The pod ends: what did not run yet never will. */
  readonly terminating: boolean;
  /** The prefix of containerID. */
  readonly runtimeName: string;
}

/** Pure: one container's part of a pod's status, in Kubernetes' words. */
export function containerStatus(input: ContainerStatusInput): ApiContainerStatus {
  const runs = input.state.containers.filter(({ metadata }) => metadata.name === input.container.name);
  const [latest, previous] = runs;
  const verdict = latest?.state === 'running' ? input.verdict(latest.id) : undefined;
  const current = currentState(input, latest);
  const last = lastState(input, latest, previous, current);
  const completed = input.init && !isSidecar(input.container) && current.terminated?.exitCode === 0;
  return {
    name: input.container.name,
    state: current,
    lastState: last,
    ready: completed || (current.running !== undefined && (verdict?.ready ?? false)),
    restartCount: latest === undefined ? (input.reported?.restartCount ?? 0) : restartCountOf(latest),
    image: latest?.image ?? input.container.image ?? '',
    imageID: latest?.imageRef ?? '',
    ...(latest === undefined ? {} : { containerID: `${input.runtimeName}://${latest.id}` }),
    started: current.running !== undefined && (verdict?.started ?? false),
  };
}

function currentState(input: ContainerStatusInput, latest: ContainerStatus | undefined): ContainerState {
  if (latest?.state === 'running') return { running: { startedAt: rfc3339(latest.startedAtMs) } };
  if (input.terminating && (latest?.state === 'exited' || hasRun(input.reported)))
    return { terminated: latest?.state === 'exited' ? terminated(input, latest) : vanished(input.reported) };
  if (input.problem !== undefined) return { waiting: input.problem };
  if (latest?.state === 'exited') return { terminated: terminated(input, latest) };
  if (latest === undefined && input.reported?.state?.terminated !== undefined)
    return { terminated: input.reported.state.terminated };
  return { waiting: { reason: input.waitsFor } };
}

function lastState(
  input: ContainerStatusInput,
  latest: ContainerStatus | undefined,
  previous: ContainerStatus | undefined,
  current: ContainerState,
): ContainerState {
  if (latest?.state === 'exited' && current.waiting !== undefined)
    return { terminated: terminated(input, latest) };
  if (previous?.state === 'exited') return { terminated: terminated(input, previous) };
  const reported = input.reported;
  // The runtime has forgotten: what the API was told last is all there is.
  if (latest === undefined && current.terminated === undefined && hasRun(reported))
    return reported?.state?.running === undefined && reported?.lastState?.terminated !== undefined
      ? reported.lastState
      : { terminated: vanished(reported) };
  return reported?.lastState ?? {};
}

const hasRun = (reported: ApiContainerStatus | undefined): boolean =>
  reported?.state?.running !== undefined || reported?.state?.terminated !== undefined;

function terminated(input: ContainerStatusInput, ended: ContainerStatus): ContainerStateTerminated {
  return {
    exitCode: ended.exitCode,
    reason: ended.reason || (ended.exitCode === 0 ? 'Completed' : 'Error'),
    ...(ended.message === '' ? {} : { message: ended.message }),
    startedAt: rfc3339(ended.startedAtMs),
    finishedAt: rfc3339(ended.finishedAtMs),
    containerID: `${input.runtimeName}://${ended.id}`,
  };
}

const vanished = (reported: ApiContainerStatus | undefined): ContainerStateTerminated =>
  reported?.state?.terminated ?? {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was terminated',
    ...(reported?.containerID === undefined ? {} : { containerID: reported.containerID }),
  };

/** Kubernetes' timestamps have whole seconds. */
export const rfc3339 = (timeMs: number): string => new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z');
