import { ageOf } from '../../printing/age.js';
import type { ContainerStatus } from './container-status.js';
import type { Pod } from './pod.js';

/** What `kubectl get pods` says of a pod; the words are those of Kubernetes' own printer. */
export interface PodSummary {
  readonly readyContainers: number;
  readonly totalContainers: number;
  readonly status: string;
  readonly restarts: number;
  /** RFC 3339; undefined where nothing was restarted. */
  readonly lastRestart: string | undefined;
}

/** Sidecars: init containers that stay, and so count among the pod's containers. */
const sidecarNames = (pod: Pod): ReadonlySet<string> =>
  new Set(
    (pod.spec.initContainers ?? [])
      .filter(({ restartPolicy }) => restartPolicy === 'Always')
      .map(({ name }) => name),
  );

const exitText = ({ signal, exitCode }: { signal?: number; exitCode: number }): string =>
  signal === undefined || signal === 0 ? `ExitCode:${exitCode}` : `Signal:${signal}`;

const terminatedText = (
  terminated: NonNullable<NonNullable<ContainerStatus['state']>['terminated']>,
): string =>
  terminated.reason === undefined || terminated.reason === '' ? exitText(terminated) : terminated.reason;

const restartsOf = (statuses: readonly ContainerStatus[]): Pick<PodSummary, 'restarts' | 'lastRestart'> => ({
  restarts: statuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
  lastRestart: statuses
    .flatMap(({ lastState }) => lastState?.terminated?.finishedAt ?? [])
    .toSorted((a, b) => Date.parse(a) - Date.parse(b))
    .at(-1),
});

const isDone = ({ state }: ContainerStatus): boolean => state?.terminated?.exitCode === 0;

/** Where initialization stands, told by the first init container that is neither done nor a started sidecar. */
const initText = (status: ContainerStatus, index: number, total: number): string => {
  const { terminated, waiting } = status.state ?? {};
  if (terminated !== undefined) return `Init:${terminatedText(terminated)}`;
  const reason = waiting?.reason ?? '';
  return reason !== '' && reason !== 'PodInitializing' ? `Init:${reason}` : `Init:${index}/${total}`;
};

/** The pod's own word, before its containers are asked. */
const phaseText = ({ status = {} }: Pod): string => {
  const gated = status.conditions?.some(
    ({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated',
  );
  if (gated === true) return 'SchedulingGated';
  return status.reason !== undefined && status.reason !== '' ? status.reason : (status.phase ?? '');
};

const hasTrueCondition = (pod: Pod, wanted: string): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === wanted && status === 'True') ?? false;

const isRunning = ({ state, ready }: ContainerStatus): boolean =>
  ready &&
  state?.running !== undefined &&
  (state.waiting?.reason ?? '') === '' &&
  state.terminated === undefined;

/** The word of the first container that has one; a pod with some containers completed and others running still runs. */
const containersText = (pod: Pod, statuses: readonly ContainerStatus[], otherwise: string): string => {
  const words = statuses.map(({ state }) => {
    const waiting = state?.waiting?.reason ?? '';
    if (waiting !== '') return waiting;
    return state?.terminated === undefined ? undefined : terminatedText(state.terminated);
  });
  const word = words.find((each) => each !== undefined) ?? otherwise;
  if (word !== 'Completed' || !statuses.some(isRunning)) return word;
  return hasTrueCondition(pod, 'Ready') ? 'Running' : 'NotReady';
};

const deletionText = (pod: Pod): string | undefined => {
  if (pod.metadata.deletionTimestamp === undefined) return undefined;
  if (pod.status?.reason === 'NodeLost') return 'Unknown';
  const { phase } = pod.status ?? {};
  return phase === 'Succeeded' || phase === 'Failed' ? undefined : 'Terminating';
};

export const podSummary = (pod: Pod): PodSummary => {
  const sidecars = sidecarNames(pod);
  const initStatuses = pod.status?.initContainerStatuses ?? [];
  const statuses = pod.status?.containerStatuses ?? [];
  const isStartedSidecar = (each: ContainerStatus): boolean =>
    sidecars.has(each.name) && each.started === true;
  const blocking = initStatuses.findIndex((each) => !isDone(each) && !isStartedSidecar(each));
  const blocker = initStatuses[blocking];
  const isInitialized = blocker === undefined || hasTrueCondition(pod, 'Initialized');

  const beforeContainers =
    blocker === undefined
      ? phaseText(pod)
      : initText(blocker, blocking, pod.spec.initContainers?.length ?? 0);
  const seenInit = blocker === undefined ? initStatuses : initStatuses.slice(0, blocking + 1);
  const readySidecars = seenInit.filter((each) => !isDone(each) && isStartedSidecar(each) && each.ready);
  const counted = isInitialized
    ? [...seenInit.filter(({ name }) => sidecars.has(name)), ...statuses]
    : seenInit;

  return {
    readyContainers: readySidecars.length + (isInitialized ? statuses.filter(isRunning).length : 0),
    totalContainers: pod.spec.containers.length + sidecars.size,
    status:
      deletionText(pod) ??
      (isInitialized ? containersText(pod, statuses, beforeContainers) : beforeContainers),
    ...restartsOf(counted),
  };
};

/** `3 (5m ago)` */
export const restartsText = ({ restarts, lastRestart }: PodSummary, now: number): string =>
  restarts === 0 || lastRestart === undefined
    ? String(restarts)
    : `${restarts} (${ageOf(lastRestart, now)} ago)`;
