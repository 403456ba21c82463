import type { Container, Pod } from '@raftsman/api';
import type { ContainerStatus } from '../runtime/runtime.js';
import {
  definitionChanged,
  initContainersOf,
  isSidecar,
  latestContainer,
  mayRun,
  nextAttempt,
  readySandbox,
  type PodRuntimeState,
} from './pod-state.js';

/** What the probes say of one run of a container. */
export interface ProbeVerdict {
  /** Its startup probe has passed, or there is none. */
  readonly started: boolean;
  readonly ready: boolean;
  /** Why it must be restarted: a liveness or startup probe failed for good. */
  readonly unhealthy?: 'liveness' | 'startup';
}

export interface PlanInput {
  readonly pod: Pod;
  readonly state: PodRuntimeState;
  readonly verdict: (containerId: string) => ProbeVerdict;
  /** Until when a container that ended must not be started again; undefined: it may be. */
  readonly backoffUntilMs: (container: Container, ended: ContainerStatus) => number | undefined;
  readonly nowMs: number;
}

export interface ContainerStart {
  readonly container: Container;
  readonly init: boolean;
  readonly attempt: number;
  /** The run that ended before, if any. */
  readonly previous: ContainerStatus | undefined;
}

export interface ContainerKill {
  readonly container: Container;
  readonly containerId: string;
  readonly message: string;
  readonly cause: 'liveness' | 'startup' | 'changed' | 'unknown';
}

/** What to do now to bring a pod closer to its spec. Everything empty: nothing. */
export interface PodPlan {
  /** Every container has ended and none will run again. */
  readonly finished: boolean;
  readonly stopSandboxes: readonly string[];
  /** The attempt's number. */
  readonly createSandbox: number | undefined;
  readonly start: readonly ContainerStart[];
  readonly kill: readonly ContainerKill[];
  /** Containers that wait for their back-off, by name. */
  readonly backingOff: ReadonlyMap<string, number>;
}

/** Pure: kubelet's decisions of one sync. */
export function planPod(input: PlanInput): PodPlan {
  const { pod, state } = input;
  if (podIsFinished(pod, state)) {
    const stopSandboxes = state.sandboxes.filter(({ ready }) => ready).map(({ id }) => id);
    return { ...nothing, finished: true, stopSandboxes };
  }
  const sandbox = readySandbox(state);
  // Containers cannot outlive their sandbox; older sandboxes lost against a newer one.
  const stopSandboxes = state.sandboxes
    .filter(({ id, ready }) => id !== sandbox?.id && (ready || hasRunning(state, id)))
    .map(({ id }) => id);
  if (stopSandboxes.length > 0) return { ...nothing, stopSandboxes };
  if (sandbox === undefined) return { ...nothing, createSandbox: nextSandboxAttempt(state) };
  return new Planner(input, sandbox.id).plan();
}

const nothing: PodPlan = {
  finished: false,
  stopSandboxes: [],
  createSandbox: undefined,
  start: [],
  kill: [],
  backingOff: new Map(),
};

const hasRunning = (state: PodRuntimeState, sandboxId: string): boolean =>
  state.containers.some((container) => container.sandboxId === sandboxId && mayRun(container));

const nextSandboxAttempt = (state: PodRuntimeState): number =>
  Math.max(-1, ...state.sandboxes.map(({ metadata }) => metadata.attempt)) + 1;

/** No container runs or will run again; also what the API already has for finished stays so. */
function podIsFinished(pod: Pod, state: PodRuntimeState): boolean {
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return true;
  const init = initContainersOf(pod).filter((container) => !isSidecar(container));
  if (pod.spec.restartPolicy === 'Never') {
    const failed = init.some((container) => {
      const latest = latestContainer(state, container.name);
      return latest?.state === 'exited' && latest.exitCode !== 0;
    });
    if (failed) return true;
  }
  return pod.spec.containers.every((container) => {
    const latest = latestContainer(state, container.name);
    return latest?.state === 'exited' && !runsAgain(pod, latest);
  });
}

function runsAgain(pod: Pod, ended: ContainerStatus): boolean {
  switch (pod.spec.restartPolicy ?? 'Always') {
    case 'Always':
      return true;
    case 'OnFailure':
      return ended.exitCode !== 0;
    case 'Never':
      return false;
  }
}

class Planner {
  readonly #input: PlanInput;
  readonly #sandboxId: string;
  readonly #start: ContainerStart[] = [];
  readonly #kill: ContainerKill[] = [];
  readonly #backingOff = new Map<string, number>();

  constructor(input: PlanInput, sandboxId: string) {
    this.#input = input;
    this.#sandboxId = sandboxId;
  }

  plan(): PodPlan {
    const { pod, state } = this.#input;
    // Once a container proper has run in this sandbox its init containers are done, even if their runs were cleaned up.
    const initialized = pod.spec.containers.some(
      ({ name }) => latestContainer(state, name, this.#sandboxId) !== undefined,
    );
    if (this.#planInit(initialized))
      for (const container of pod.spec.containers) this.#planContainer(container);
    return { ...nothing, start: this.#start, kill: this.#kill, backingOff: this.#backingOff };
  }

  /** Whether the containers proper may run. */
  #planInit(initialized: boolean): boolean {
    for (const container of initContainersOf(this.#input.pod)) {
      const done = isSidecar(container)
        ? this.#planSidecar(container)
        : initialized || this.#planInitContainer(container);
      if (!done && !initialized) return false;
    }
    return true;
  }

  #planInitContainer(container: Container): boolean {
    const latest = latestContainer(this.#input.state, container.name, this.#sandboxId);
    if (latest?.state === 'exited' && latest.exitCode === 0) return true;
    if (latest !== undefined && mayRun(latest)) this.#killIfLost(container, latest);
    else this.#startUnlessBackingOff(container, true, latest);
    return false;
  }

  #planSidecar(container: Container): boolean {
    const latest = latestContainer(this.#input.state, container.name, this.#sandboxId);
    if (latest !== undefined && mayRun(latest)) {
      this.#killIfUnhealthy(container, latest);
      return this.#input.verdict(latest.id).started;
    }
    this.#startUnlessBackingOff(container, true, latest);
    return false;
  }

  #planContainer(container: Container): void {
    const latest = latestContainer(this.#input.state, container.name);
    if (latest !== undefined && mayRun(latest)) this.#killIfUnhealthy(container, latest);
    else if (latest?.state !== 'exited' || runsAgain(this.#input.pod, latest))
      this.#startUnlessBackingOff(container, false, latest);
  }

  #killIfLost(container: Container, found: ContainerStatus): void {
    if (found.state !== 'unknown') return;
    const message = `Container ${container.name} is in unknown state, try killing it before restart`;
    this.#kill.push({ container, containerId: found.id, cause: 'unknown', message });
  }

  #killIfUnhealthy(container: Container, running: ContainerStatus): void {
    if (running.state === 'unknown') return this.#killIfLost(container, running);
    const { unhealthy } = this.#input.verdict(running.id);
    const { name } = container;
    if (definitionChanged(container, running))
      this.#kill.push({
        container,
        containerId: running.id,
        cause: 'changed',
        message: `Container ${name} definition changed, will be restarted`,
      });
    else if (unhealthy !== undefined)
      this.#kill.push({
        container,
        containerId: running.id,
        cause: unhealthy,
        message: `Container ${name} failed ${unhealthy} probe, will be restarted`,
      });
  }

  #startUnlessBackingOff(container: Container, init: boolean, latest: ContainerStatus | undefined): void {
    const { pod, state, nowMs } = this.#input;
    const previous = latest?.state === 'exited' ? latest : undefined;
    const untilMs = previous && this.#input.backoffUntilMs(container, previous);
    if (untilMs !== undefined && untilMs > nowMs) this.#backingOff.set(container.name, untilMs);
    else this.#start.push({ container, init, attempt: nextAttempt(pod, state, container.name), previous });
  }
}
