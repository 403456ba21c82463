import { rm } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodStatus } from '@raftsman/api';
import { podPaths } from '../containers/sandbox-config.js';
import { agentLimits } from '../limits.js';
import { PodProbes } from '../probes/pod-probes.js';
import { podReference } from '../sources.js';
import { killContainer } from './kill-container.js';
import { LastWords } from './last-words.js';
import { ownConditionTypes } from './pod-conditions.js';
import { planPod } from './plan.js';
import { identityOf, type PodContext } from './pod-context.js';
import { mayRun, readPodState, type PodRuntimeState } from './pod-state.js';
import { computePodStatus } from './pod-status.js';
import { PodSyncer } from './pod-syncer.js';

/** Why a pod ends. `deleted`: the API waits for us; `orphaned`: the API no longer knows it; `failed`: we gave it up. */
export type Ending = 'deleted' | 'orphaned' | 'failed';

/**
 * A pod's way through the agent. It only ever goes forward:
 *
 *     syncing → terminating (its containers are being killed) → terminated (none runs) → finished (nothing of it is left)
 */
export type Lifecycle =
  | { readonly phase: 'syncing' }
  | { readonly phase: 'terminating'; readonly ending: Ending; readonly graceSeconds: number }
  | { readonly phase: 'terminated'; readonly ending: Ending }
  | { readonly phase: 'finished' };

/**
 * Brings one pod to what its spec says, one step at a time: look at the runtime, decide (plan.ts), act, look again. It acts on
 * what is, not on what happened, so that a missed or repeated notice does no harm.
 */
export class PodWorker {
  readonly uid: string;
  readonly #context: PodContext;
  readonly #onFinished: () => void;
  readonly #syncer: PodSyncer;
  readonly #probes: PodProbes;
  readonly #lastWords = new LastWords();
  /** Grace of the kills under way, by container id. */
  readonly #kills = new Map<string, number>();
  #pod: Pod;
  #seen: object | undefined;
  #lifecycle: Lifecycle = { phase: 'syncing' };
  #state: PodRuntimeState = { sandboxes: [], containers: [] };
  #status: PodStatus | undefined;
  #failure: { readonly reason: string; readonly message: string } | undefined;
  #failures = 0;
  #dirty = false;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(context: PodContext, pod: Pod, onFinished: () => void) {
    this.uid = pod.metadata.uid ?? '';
    this.#context = context;
    this.#pod = pod;
    this.#onFinished = onFinished;
    this.#syncer = new PodSyncer(context);
    this.#probes = new PodProbes({ ...context, changed: () => this.wake() });
  }

  get pod(): Pod {
    return this.#pod;
  }
  get lifecycle(): Lifecycle {
    return this.#lifecycle;
  }
  /** As of the last look. */
  get state(): PodRuntimeState {
    return this.#state;
  }

  update(pod: Pod): void {
    const seen = this.#seen;
    this.#seen = askedOfUs(pod);
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) this.#end('deleted', deletionGraceSeconds(pod));
    // Most updates are our own status coming back.
    if (!isDeepStrictEqual(seen, this.#seen)) this.wake();
    else if (this.#status !== undefined && contradicts(pod.status, this.#status))
      this.#context.statuses.rewrite(pod);
  }

  /** The API has no such pod any more. */
  orphan(): void {
    this.#end('orphaned', deletionGraceSeconds(this.#pod));
    this.wake();
  }

  wake(): void {
    this.#dirty = true;
    if (!this.#closed) this.#running ??= this.#run();
  }

  /** Lets go of the pod without touching its containers. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#syncer.stop();
    clearTimeout(this.#timer);
    this.#probes.stop();
    await this.#running;
  }

  #end(ending: Ending, graceSeconds: number): void {
    const now = this.#lifecycle;
    this.#syncer.stop();
    switch (now.phase) {
      case 'syncing':
        this.#lifecycle = { phase: 'terminating', ending, graceSeconds };
        return;
      case 'terminating':
        this.#lifecycle = {
          phase: 'terminating',
          ending,
          graceSeconds: Math.min(graceSeconds, now.graceSeconds),
        };
        return;
      case 'terminated':
        this.#lifecycle = { phase: 'terminated', ending };
        return;
      case 'finished':
        return;
    }
  }

  async #run(): Promise<void> {
    while (this.#dirty && !this.#closed && this.#lifecycle.phase !== 'finished') {
      this.#dirty = false;
      clearTimeout(this.#timer);
      try {
        const dueMs = await this.#step();
        if (dueMs !== undefined) this.#wakeIn(dueMs - this.#context.now());
      } catch (error) {
        this.#context.logger.error(
          { err: error, pod: this.#pod.metadata.name, uid: this.uid },
          'syncing a pod',
        );
        this.#wakeIn(this.#retryDelayMs());
      }
    }
    this.#running = undefined;
    if (this.#lifecycle.phase === 'finished') this.#onFinished();
  }

  #wakeIn(delayMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => this.wake(), Math.max(0, delayMs));
  }

  #retryDelayMs(): number {
    const { syncRetryInitialMs, syncRetryMaxMs } = agentLimits;
    this.#failures += 1;
    return Math.min(syncRetryMaxMs, syncRetryInitialMs * 2 ** Math.min(this.#failures - 1, 16));
  }

  /** One step. Answers when the next is due by itself, in milliseconds since 1970. */
  async #step(): Promise<number | undefined> {
    const before = this.#lifecycle;
    switch (before.phase) {
      case 'syncing':
        return this.#sync();
      case 'terminating':
        return this.#terminate(before);
      case 'terminated':
        return this.#cleanUp(before);
      case 'finished':
        return undefined;
    }
  }

  async #sync(): Promise<number | undefined> {
    const { now } = this.#context;
    const deadlineMs = this.#deadlineMs();
    if (deadlineMs !== undefined && deadlineMs <= now()) return this.#failDeadline();
    const state = await this.#look();
    this.#probes.sync(this.#reportedPod(), state);
    const plan = planPod({
      pod: this.#reportedPod(),
      state,
      verdict: (id) => this.#probes.verdict(id),
      backoffUntilMs: (container, ended) => this.#syncer.backoffUntilMs(container, ended),
      nowMs: now(),
    });
    this.#syncer.noteBackoffs(this.#pod, plan);
    this.#report(state, false);
    const { acted, failed } = await this.#syncer.apply(this.#pod, state, plan);
    if (acted) this.#dirty = true;
    if (!failed && !acted) this.#failures = 0;
    if (failed) this.#report(await this.#look(), false);
    const due = [this.#syncer.dueAtMs(this.#pod, plan), plan.finished ? undefined : deadlineMs];
    if (failed) due.push(now() + this.#retryDelayMs());
    const known = due.filter((at) => at !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  async #terminate(lifecycle: Lifecycle & { phase: 'terminating' }): Promise<number | undefined> {
    const state = await this.#look();
    this.#probes.freeze();
    this.#report(state, true);
    const running = state.containers.filter(mayRun);
    for (const container of running) {
      const graceSeconds = lifecycle.graceSeconds;
      if ((this.#kills.get(container.id) ?? Infinity) <= graceSeconds) continue;
      this.#kills.set(container.id, graceSeconds);
      const request = {
        pod: this.#pod,
        state,
        running: container,
        container: this.#pod.spec.containers.find(({ name }) => name === container.metadata.name),
        graceSeconds,
        message: `Stopping container ${container.metadata.name}`,
      };
      killContainer(this.#context, request).then(
        () => this.wake(),
        (error: unknown) => {
          const why = error instanceof Error ? error.message : String(error);
          this.#context.events.event(
            podReference(this.#pod),
            'Warning',
            'FailedKillPod',
            `error killing pod: ${why}`,
          );
          this.#kills.delete(container.id);
          this.#wakeIn(this.#retryDelayMs());
        },
      );
    }
    if (running.length > 0) return undefined;
    for (const { id } of state.sandboxes) await this.#context.runtime.stopPodSandbox(id);
    this.#lifecycle = { phase: 'terminated', ending: lifecycle.ending };
    this.#dirty = true;
    return undefined;
  }

  async #cleanUp(lifecycle: Lifecycle & { phase: 'terminated' }): Promise<undefined> {
    const { runtime, statuses, sink, rootDir } = this.#context;
    const state = await this.#look();
    this.#report(state, true);
    // The API object stays, and with it the containers' logs, until somebody deletes it.
    if (lifecycle.ending === 'failed') return undefined;
    if (lifecycle.ending === 'deleted') await statuses.settled(this.uid);
    this.#probes.stop();
    for (const { id } of state.containers) await runtime.removeContainer(id);
    for (const { id } of state.sandboxes) await runtime.removePodSandbox(id);
    const { podDirectory, logDirectory } = podPaths(rootDir, identityOf(this.#pod));
    await rm(podDirectory, { recursive: true, force: true });
    await rm(logDirectory, { recursive: true, force: true });
    if (lifecycle.ending === 'deleted') await sink.remove(this.#pod);
    statuses.forget(this.uid);
    this.#lifecycle = { phase: 'finished' };
    return undefined;
  }

  async #look(): Promise<PodRuntimeState> {
    this.#state = await this.#lastWords.addTo(await readPodState(this.#context.runtime, this.uid));
    return this.#state;
  }

  /** The pod with the status that this worker made last, which the API may not have yet. */
  #reportedPod(): Pod {
    return this.#status === undefined
      ? this.#pod
      : { ...this.#pod, status: { ...this.#pod.status, ...this.#status } };
  }

  #report(state: PodRuntimeState, terminating: boolean): void {
    const { runtime, hostIp, statuses, now } = this.#context;
    this.#status = computePodStatus({
      pod: this.#reportedPod(),
      state,
      verdict: (id) => this.#probes.verdict(id),
      problems: this.#syncer.problems,
      terminating,
      failure: this.#failure,
      runtimeName: runtime.name,
      hostIp,
      nowMs: now(),
    });
    const forApi = this.#lifecycle.phase === 'syncing' || this.#ending() !== 'orphaned';
    if (forApi) statuses.set(this.#pod, this.#status);
  }

  #ending(): Ending | undefined {
    return 'ending' in this.#lifecycle ? this.#lifecycle.ending : undefined;
  }

  #deadlineMs(): number | undefined {
    const seconds = this.#pod.spec.activeDeadlineSeconds;
    const startTime = this.#reportedPod().status?.startTime;
    if (seconds === undefined || startTime === undefined) return undefined;
    return Date.parse(startTime) + seconds * 1_000;
  }

  async #failDeadline(): Promise<number | undefined> {
    const phase = this.#reportedPod().status?.phase;
    if (phase !== 'Succeeded' && phase !== 'Failed') {
      const message = 'Pod was active on the node longer than the specified deadline';
      this.#failure = { reason: 'DeadlineExceeded', message };
      this.#context.events.event(podReference(this.#pod), 'Normal', 'DeadlineExceeded', message);
    }
    this.#end('failed', this.#pod.spec.terminationGracePeriodSeconds ?? 30);
    this.#dirty = true;
    return Promise.resolve(undefined);
  }
}

const deletionGraceSeconds = (pod: Pod): number =>
  pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;

/** The part of a pod that tells its worker what to do. */
const askedOfUs = ({ spec, metadata, status }: Pod): object => ({
  spec,
  labels: metadata.labels,
  annotations: metadata.annotations,
  deletionTimestamp: metadata.deletionTimestamp,
  deletionGracePeriodSeconds: metadata.deletionGracePeriodSeconds,
  // Readiness gates.
  conditions: (status?.conditions ?? []).filter(({ type }) => !ownConditionTypes.has(type)),
});

/** The API says otherwise of the pod's phase or readiness: the node lifecycle controller may have taken us for dead. */
function contradicts(reported: PodStatus | undefined, ours: PodStatus): boolean {
  const readiness = (status: PodStatus | undefined): string | undefined =>
    status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return reported?.phase !== ours.phase || readiness(reported) !== readiness(ours);
}
