import {
  qosClassOf,
  type Container,
  type ContainerStateWaiting,
  type ContainerStatus as ApiContainerStatus,
  type Pod,
  type PodStatus,
} from '@raftsman/api';
import { containerStatus, rfc3339 } from './container-statuses.js';
import { podConditions } from './pod-conditions.js';
import { initContainersOf, isSidecar, readySandbox, type PodRuntimeState } from './pod-state.js';
import type { ProbeVerdict } from './plan.js';

export interface PodStatusInput {
  readonly pod: Pod;
  readonly state: PodRuntimeState;
  readonly verdict: (containerId: string) => ProbeVerdict;
  /** What holds containers up, by name. */
  readonly problems: ReadonlyMap<string, ContainerStateWaiting>;
  readonly terminating: boolean;
  /** The pod was failed by the agent, whatever its containers say. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
  readonly runtimeName: string;
  readonly hostIp: string;
  readonly nowMs: number;
}

export type PodPhase = NonNullable<PodStatus['phase']>;

/** Pure: a pod's whole status from what the runtime and the probes say. */
export function computePodStatus(input: PodStatusInput): PodStatus {
  const { pod, state } = input;
  const old = pod.status ?? {};
  const statuses = containerStatuses(input);
  const phase = input.failure === undefined ? podPhase(pod, statuses, input) : 'Failed';
  const sandbox = readySandbox(state);
  const ips = podIps(input);
  const reason = input.failure?.reason ?? old.reason;
  const message = input.failure?.message ?? old.message;
  return {
    phase,
    conditions: podConditions({ ...input, phase, ...statuses, sandboxReady: sandbox !== undefined }),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    hostIP: input.hostIp,
    hostIPs: [{ ip: input.hostIp }],
    ...(ips.length === 0 ? {} : { podIP: ips[0]!, podIPs: ips.map((ip) => ({ ip })) }),
    startTime: old.startTime ?? rfc3339(input.nowMs),
    ...(statuses.init.length === 0 ? {} : { initContainerStatuses: [...statuses.init] }),
    containerStatuses: [...statuses.main],
    qosClass: old.qosClass ?? qosClassOf(pod.spec),
  };
}

export interface ContainerStatuses {
  readonly init: readonly ApiContainerStatus[];
  readonly main: readonly ApiContainerStatus[];
}

function containerStatuses(input: PodStatusInput): ContainerStatuses {
  const { pod } = input;
  const old = pod.status ?? {};
  const statusesOf = (
    containers: readonly Container[],
    reported: readonly ApiContainerStatus[] | undefined,
    init: boolean,
    waitsFor: 'PodInitializing' | 'ContainerCreating',
  ): readonly ApiContainerStatus[] =>
    containers.map((container) =>
      containerStatus({
        ...input,
        container,
        init,
        waitsFor,
        problem: input.problems.get(container.name),
        reported: reported?.find(({ name }) => name === container.name),
      }),
    );
  const inits = initContainersOf(pod);
  const waitsFor = inits.length > 0 ? 'PodInitializing' : 'ContainerCreating';
  return {
    init: statusesOf(inits, old.initContainerStatuses, true, 'PodInitializing'),
    main: statusesOf(pod.spec.containers, old.containerStatuses, false, waitsFor),
  };
}

/** A pod that ended keeps the address it had. */
function podIps(input: PodStatusInput): readonly string[] {
  const { pod, state } = input;
  if (pod.spec.hostNetwork === true) return state.sandboxes.length === 0 ? [] : [input.hostIp];
  const ips = readySandbox(state)?.ips ?? [];
  return ips.length > 0 ? ips : (pod.status?.podIPs ?? []).map(({ ip }) => ip);
}

function podPhase(pod: Pod, statuses: ContainerStatuses, input: PodStatusInput): PodPhase {
  const { phase } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return phase;
  const init = initPhase(pod, statuses.init);
  if (init === 'failed') return 'Failed';
  const counted = count(statuses.main);
  if (input.terminating && counted.running === 0 && counted.waiting === 0)
    return counted.stopped === counted.succeeded && init === 'done' ? 'Succeeded' : 'Failed';
  if (init === 'pending' || counted.waiting > 0) return 'Pending';
  if (counted.running > 0) return 'Running';
  const restartPolicy = pod.spec.restartPolicy ?? 'Always';
  if (restartPolicy === 'Always') return 'Running';
  if (counted.stopped === counted.succeeded) return 'Succeeded';
  return restartPolicy === 'Never' ? 'Failed' : 'Running';
}

function initPhase(pod: Pod, statuses: readonly ApiContainerStatus[]): 'pending' | 'done' | 'failed' {
  let pending = false;
  for (const [index, container] of initContainersOf(pod).entries()) {
    const status = statuses[index];
    if (isSidecar(container)) {
      if (status?.started !== true && status?.lastState?.terminated === undefined) pending = true;
      continue;
    }
    const ended = status?.state?.terminated ?? status?.lastState?.terminated;
    if (ended !== undefined && ended.exitCode !== 0 && pod.spec.restartPolicy === 'Never') return 'failed';
    if (status?.state?.terminated?.exitCode !== 0) pending = true;
  }
  return pending ? 'pending' : 'done';
}

function count(statuses: readonly ApiContainerStatus[]): {
  readonly running: number;
  readonly waiting: number;
  readonly stopped: number;
  readonly succeeded: number;
} {
  let [running, waiting, stopped, succeeded] = [0, 0, 0, 0];
  for (const { state, lastState } of statuses) {
    if (state?.running !== undefined) running += 1;
    else if (state?.terminated !== undefined) {
      stopped += 1;
      if (state.terminated.exitCode === 0) succeeded += 1;
    } else if (lastState?.terminated !== undefined) stopped += 1;
    else waiting += 1;
  }
  return { running, waiting, stopped, succeeded };
}
