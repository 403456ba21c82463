import type { Container, ContainerStateWaiting, Pod } from '@raftsman/api';
import { ContainerConfigError } from '../containers/config-error.js';
import { Images } from '../containers/images.js';
import { podPaths, sandboxConfig } from '../containers/sandbox-config.js';
import { agentLimits } from '../limits.js';
import type { ContainerStatus, PodSandboxStatus } from '../runtime/runtime.js';
import { podReference } from '../sources.js';
import { hasLiveVolumes, mountVolumes } from '../volumes/volumes.js';
import { backoffUntil, raiseBackoff, type Backoff } from './backoff.js';
import { killContainer } from './kill-container.js';
import type { ContainerStart, PodPlan } from './plan.js';
import { describePod, identityOf, podFacts, type PodContext } from './pod-context.js';
import { readySandbox, type PodRuntimeState } from './pod-state.js';
import { startContainer } from './start-container.js';

const crashLimits = {
  initialMs: agentLimits.crashBackoffInitialMs,
  maxMs: agentLimits.crashBackoffMaxMs,
  resetMs: agentLimits.crashBackoffResetMs,
};

/** What `apply` came to. */
export interface SyncOutcome {
  /** Something was done: the runtime looks different now. */
  readonly acted: boolean;
  /** Something failed and must be tried again. */
  readonly failed: boolean;
}

/** `waiting`: for the next try of its image's pull. */
type StartOutcome = 'started' | 'failed' | 'waiting';

/** Carries out the plans of one pod, and remembers what held it up. */
export class PodSyncer {
  readonly #context: PodContext;
  readonly #images: Images;
  readonly #crashes = new Map<string, Backoff>();
  /** By container; announced back-offs are remembered so that each is told once. */
  readonly #problems = new Map<string, ContainerStateWaiting>();
  readonly #announced = new Map<string, number>();
  readonly #stop = new AbortController();
  #volumesMountedMs = 0;

  constructor(context: PodContext) {
    this.#context = context;
    this.#images = new Images({ ...context, signal: this.#stop.signal });
  }

  /** The pod ends: what only helps to start it is given up. */
  stop(): void {
    this.#stop.abort();
  }

  get problems(): ReadonlyMap<string, ContainerStateWaiting> {
    return this.#problems;
  }

  backoffUntilMs(container: Container, ended: ContainerStatus): number | undefined {
    return backoffUntil(this.#crashes.get(container.name), ended.finishedAtMs, crashLimits);
  }

  /** When something of this pod is due by itself; undefined: nothing is. */
  dueAtMs(pod: Pod, plan: PodPlan): number | undefined {
    const due = [...plan.backingOff.values()];
    const pull = this.#images.retryAtMs();
    if (pull !== undefined) due.push(pull);
    if (!plan.finished && hasLiveVolumes(pod)) due.push(this.#volumesMountedMs + agentLimits.volumeRefreshMs);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** Tells of the back-offs in a plan: the waiting reason CrashLoopBackOff and its Event. */
  noteBackoffs(pod: Pod, plan: PodPlan): void {
    for (const [name, untilMs] of plan.backingOff) {
      const delay = `${Math.round((this.#crashes.get(name)?.delayMs ?? 0) / 1_000)}s`;
      const message = `back-off ${delay} restarting failed container=${name} pod=${describePod(pod)}`;
      this.#problems.set(name, { reason: 'CrashLoopBackOff', message });
      if (this.#announced.get(name) === untilMs) continue;
      this.#announced.set(name, untilMs);
      const words = `Back-off restarting failed container ${name} in pod ${describePod(pod)}`;
      this.#context.events.event(podReference(pod, name), 'Warning', 'BackOff', words);
    }
  }

  async apply(pod: Pod, state: PodRuntimeState, plan: PodPlan): Promise<SyncOutcome> {
    if (plan.stopSandboxes.length > 0) {
      for (const id of plan.stopSandboxes) await this.#context.runtime.stopPodSandbox(id);
      return { acted: true, failed: false };
    }
    if (plan.finished) return { acted: false, failed: false };
    if (plan.createSandbox !== undefined) return this.#createSandbox(pod, state, plan.createSandbox);
    await Promise.all(
      plan.kill.map(async ({ container, containerId, message }) => {
        const running = state.containers.find(({ id }) => id === containerId)!;
        const graceSeconds = pod.spec.terminationGracePeriodSeconds ?? 30;
        await killContainer(this.#context, { pod, state, running, container, graceSeconds, message });
      }),
    );
    const started = await this.#start(pod, state, plan.start);
    await this.#refreshVolumes(pod, state);
    return { acted: plan.kill.length > 0 || started.acted, failed: started.failed };
  }

  async #createSandbox(pod: Pod, state: PodRuntimeState, attempt: number): Promise<SyncOutcome> {
    const { runtime, events, rootDir } = this.#context;
    const { logDirectory } = podPaths(rootDir, identityOf(pod));
    try {
      // Old sandboxes give their addresses back first; one without containers is of no more use.
      for (const { id } of state.sandboxes) {
        await runtime.stopPodSandbox(id);
        if (!state.containers.some(({ sandboxId }) => sandboxId === id)) await runtime.removePodSandbox(id);
      }
      await runtime.runPodSandbox(sandboxConfig(pod, attempt, logDirectory));
      return { acted: true, failed: false };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const words = `Failed to create pod sandbox: ${why}`;
      events.event(podReference(pod), 'Warning', 'FailedCreatePodSandBox', words);
      return { acted: false, failed: true };
    }
  }

  async #start(pod: Pod, state: PodRuntimeState, starts: readonly ContainerStart[]): Promise<SyncOutcome> {
    const sandbox = readySandbox(state);
    if (starts.length === 0 || sandbox === undefined) return { acted: false, failed: false };
    const outcomes: StartOutcome[] = [];
    for (const start of starts) outcomes.push(await this.#startOne(pod, state, sandbox, start));
    return { acted: outcomes.includes('started'), failed: outcomes.includes('failed') };
  }

  async #startOne(
    pod: Pod,
    state: PodRuntimeState,
    sandbox: PodSandboxStatus,
    start: ContainerStart,
  ): Promise<StartOutcome> {
    const { name } = start.container;
    const pull = this.#problems.get(name)?.reason;
    // Between two tries of a pull there is nothing new to say.
    const retryAtMs = this.#images.retryAtMs();
    if (pull === 'ImagePullBackOff' && retryAtMs !== undefined && retryAtMs > this.#context.now())
      return 'waiting';
    const now = this.#context.now();
    if (start.previous !== undefined) {
      const raised = raiseBackoff(this.#crashes.get(name), start.previous.finishedAtMs, now, crashLimits);
      this.#crashes.set(name, raised);
    }
    const volumes = await this.#volumes(pod, state);
    const problem =
      volumes instanceof ContainerConfigError
        ? { reason: 'ContainerCreating', message: volumes.message }
        : await startContainer(this.#context, this.#images, { pod, state, sandbox, volumes, start });
    if (problem === undefined) {
      this.#problems.delete(name);
      await this.#pruneRuns(state, name, start.previous);
      return 'started';
    }
    this.#problems.set(name, problem);
    return 'failed';
  }

  async #volumes(
    pod: Pod,
    state: PodRuntimeState,
  ): Promise<Awaited<ReturnType<typeof mountVolumes>> | ContainerConfigError> {
    const { podDirectory } = podPaths(this.#context.rootDir, identityOf(pod));
    const facts = podFacts(this.#context, pod, state);
    try {
      const mounted = await mountVolumes(podDirectory, { pod, facts, objects: this.#context.objects });
      this.#volumesMountedMs = this.#context.now();
      return mounted;
    } catch (error) {
      if (!(error instanceof ContainerConfigError)) throw error;
      this.#context.events.event(podReference(pod), 'Warning', 'FailedMount', error.message);
      return error;
    }
  }

  async #refreshVolumes(pod: Pod, state: PodRuntimeState): Promise<void> {
    const due = this.#volumesMountedMs + agentLimits.volumeRefreshMs <= this.#context.now();
    if (!due || !hasLiveVolumes(pod) || !state.containers.some((container) => container.state === 'running'))
      return;
    await this.#volumes(pod, state);
    // A refresh that failed was told of; the containers go on with what they have.
    this.#volumesMountedMs = this.#context.now();
  }

  /** One ended run of each container is kept, for its logs and its last state. */
  async #pruneRuns(
    state: PodRuntimeState,
    name: string,
    previous: ContainerStatus | undefined,
  ): Promise<void> {
    const old = state.containers.filter(
      (container) =>
        container.metadata.name === name && container.state !== 'running' && container.id !== previous?.id,
    );
    for (const { id } of old) await this.#context.runtime.removeContainer(id);
  }
}
