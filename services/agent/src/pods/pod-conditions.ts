import type { ContainerStatus as ApiContainerStatus, Pod, PodCondition } from '@raftsman/api';
import { rfc3339 } from './container-statuses.js';
import { initContainersOf, isSidecar } from './pod-state.js';

export interface PodConditionsInput {
  readonly pod: Pod;
  readonly phase: string;
  readonly init: readonly ApiContainerStatus[];
  readonly main: readonly ApiContainerStatus[];
  readonly sandboxReady: boolean;
  readonly nowMs: number;
}

/** The agent alone writes these. PodScheduled is the scheduler's, and is only filled in where nobody set it. */
export const ownConditionTypes: ReadonlySet<string> = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
]);

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>;

/**
 * Pure: the conditions that the agent owns, and as they are those that it does not. A condition's transition time moves
 * only with its status.
 */
export function podConditions(input: PodConditionsInput): PodCondition[] {
  const old = input.pod.status?.conditions ?? [];
  const containersReady = containersReadyVerdict(input);
  const own: readonly (readonly [string, Verdict])[] = [
    ['PodReadyToStartContainers', { status: input.sandboxReady ? 'True' : 'False' }],
    ['Initialized', initializedVerdict(input)],
    ['Ready', readyVerdict(input, containersReady)],
    ['ContainersReady', containersReady],
    ['PodScheduled', { status: 'True' }],
  ];
  const conditions = own.map(([type, verdict]): PodCondition => {
    const before = old.find((condition) => condition.type === type);
    const lastTransitionTime =
      before?.status === verdict.status && before.lastTransitionTime !== undefined
        ? before.lastTransitionTime
        : rfc3339(input.nowMs);
    return { type, ...verdict, lastTransitionTime };
  });
  return [...conditions, ...old.filter(({ type }) => !own.some(([ours]) => ours === type))];
}

function initializedVerdict({ pod, phase, init }: PodConditionsInput): Verdict {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  const incomplete = initContainersOf(pod)
    .filter((container, index) =>
      isSidecar(container) ? init[index]?.started !== true : init[index]?.ready !== true,
    )
    .map(({ name }) => name);
  if (incomplete.length === 0) return { status: 'True' };
  return {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.join(' ')}]`,
  };
}

function containersReadyVerdict({ pod, phase, init, main }: PodConditionsInput): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const sidecars = init.filter((_, index) => isSidecar(initContainersOf(pod)[index]!));
  const unready = [...sidecars, ...main].filter(({ ready }) => !ready).map(({ name }) => name);
  if (unready.length === 0) return { status: 'True' };
  return {
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
}

function readyVerdict({ pod }: PodConditionsInput, containersReady: Verdict): Verdict {
  if (containersReady.status !== 'True') return containersReady;
  const closed = (pod.spec.readinessGates ?? []).filter(
    ({ conditionType }) =>
      pod.status?.conditions?.find(({ type }) => type === conditionType)?.status !== 'True',
  );
  if (closed.length === 0) return { status: 'True' };
  return {
    status: 'False',
    reason: 'ReadinessGatesNotReady',
    message: closed
      .map(
        ({ conditionType }) => `corresponding condition of pod readiness gate "${conditionType}" is not True`,
      )
      .join(', '),
  };
}
