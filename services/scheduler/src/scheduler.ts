import { semanticEqual, type Node, type Pod } from '@raftsman/api';
import {
  createEventRecorder,
  createInformer,
  keyOf,
  kinds,
  referenceTo,
  yieldToEventLoop,
  type ApiClient,
  type Change,
  type Clock,
  type EventRecorder,
  type Informer,
  type Stored,
} from '@raftsman/client';
import type { Logger } from '@raftsman/telemetry';
import { createBinder, type Binder } from './binder.js';
import { ClusterState } from './core/cluster-state.js';
import { schedulePod } from './core/schedule.js';
import { SchedulingQueue } from './core/scheduling-queue.js';
import { schedulerLimits } from './limits.js';

export interface SchedulerOptions {
  /** Calls through it must end with the leader's term. */
  readonly client: ApiClient;
  readonly schedulerName: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** From 0 to 1; decides between equal nodes. */
  readonly random: () => number;
}

export interface Scheduler {
  /** Schedules until `signal` aborts and no binding is being written. */
  run(signal: AbortSignal): Promise<void>;
}

export const createScheduler = (options: SchedulerOptions): Scheduler => new SchedulerShell(options);

/** Feeds the core what the API tells, and carries out what it decides. */
class SchedulerShell implements Scheduler {
  readonly #options: SchedulerOptions;
  readonly #state = new ClusterState();
  readonly #queue = new SchedulingQueue(schedulerLimits);
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #namespaces: Informer<{ metadata: { labels?: { [key: string]: string } } }>;
  readonly #recorder: EventRecorder;
  readonly #binder: Binder;
  #wake = (): void => {};

  constructor(options: SchedulerOptions) {
    const { client, logger, clock, schedulerName } = options;
    this.#options = options;
    this.#pods = createInformer({ client: client.of(kinds.pods), logger, clock });
    this.#nodes = createInformer({ client: client.of(kinds.nodes), logger, clock });
    this.#namespaces = createInformer({ client: client.of(kinds.namespaces), logger, clock });
    this.#recorder = createEventRecorder({ client, component: schedulerName, logger, clock });
    this.#binder = createBinder({
      pods: client.of(kinds.pods),
      recorder: this.#recorder,
      logger,
      clock,
      settled: (pod, outcome) => this.#bindingSettled(pod, outcome),
    });
    this.#pods.onChange((change) => this.#podChanged(change));
    this.#nodes.onChange((change) => this.#nodeChanged(change));
  }

  async run(signal: AbortSignal): Promise<void> {
    const informers = [this.#pods, this.#nodes, this.#namespaces];
    const running = informers.map((informer) => informer.run(signal));
    const recording = this.#recorder.run(signal);
    const wakeUp = (): void => this.#wake();
    signal.addEventListener('abort', wakeUp, { once: true });
    const synced = await Promise.all(informers.map((informer) => informer.waitForSync(signal)));
    if (synced.every(Boolean)) await this.#loop(signal);
    signal.removeEventListener('abort', wakeUp);
    await Promise.all([...running, recording, this.#binder.idle()]);
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let sliceEndMs = clock.monotonicMs() + schedulerLimits.sliceMs;
    while (!signal.aborted) {
      const room = this.#binder.inFlight < schedulerLimits.bindingsInFlightMax;
      const next = room ? this.#queue.pop(clock.monotonicMs()) : undefined;
      if (next === undefined) await this.#waitForWork(room);
      else this.#scheduleOne(next.key);
      if (clock.monotonicMs() < sliceEndMs) continue;
      await yieldToEventLoop();
      sliceEndMs = clock.monotonicMs() + schedulerLimits.sliceMs;
    }
  }

  /** Until something happens or a back-off ends; `timed`: false while only the end of a binding can help. */
  #waitForWork(timed: boolean): Promise<void> {
    const { clock } = this.#options;
    const dueMs = timed ? this.#queue.nextDueMs() : undefined;
    return new Promise((resolve) => {
      const cancel = dueMs === undefined ? undefined : clock.after(dueMs - clock.monotonicMs(), resolve);
      this.#wake = () => {
        cancel?.();
        resolve();
      };
    });
  }

  #scheduleOne(key: string): void {
    const { clock, random } = this.#options;
    const pod = this.#pods.get(key);
    if (pod === undefined || !this.#isOurs(pod)) {
      this.#queue.remove(key);
      return;
    }
    const snapshot = this.#state.snapshot(
      (namespace) => this.#namespaces.get(namespace)?.metadata.labels ?? {},
    );
    const decision = schedulePod(pod, snapshot, random);
    switch (decision.kind) {
      case 'node':
        this.#state.assume(pod, decision.node);
        this.#binder.bind(pod, decision.node);
        return;
      case 'unschedulable':
        this.#queue.unschedulable(key, clock.monotonicMs());
        this.#recorder.event(referenceTo(pod), 'Warning', 'FailedScheduling', decision.message);
        this.#binder.tellUnschedulable(pod, decision.message);
    }
  }

  /** What became of a binding: a bound pod is left to the cache, everything else is undone. */
  #bindingSettled(pod: Stored<Pod>, outcome: 'bound' | 'failed' | 'gone'): void {
    const key = keyOf(pod);
    if (outcome !== 'bound') this.#state.forget(pod.metadata.uid);
    if (outcome === 'failed') this.#queue.failed(key, this.#options.clock.monotonicMs());
    else this.#queue.remove(key);
    this.#wake();
  }

  #isOurs({ spec, metadata }: Stored<Pod>): boolean {
    const gated = (spec.schedulingGates ?? []).length > 0;
    const { schedulerName = 'default-scheduler', nodeName = '' } = spec;
    return (
      nodeName === '' &&
      !gated &&
      schedulerName === this.#options.schedulerName &&
      metadata.deletionTimestamp === undefined
    );
  }

  #podChanged({ before, after }: Change<Pod>): void {
    const nowMs = this.#options.clock.monotonicMs();
    const pod = (after ?? before)!;
    const ended =
      after === undefined || after.status?.phase === 'Succeeded' || after.status?.phase === 'Failed';
    if (ended) {
      this.#queue.remove(keyOf(pod));
      this.#state.removePod(pod.metadata.uid);
      this.#queue.wakeAll(nowMs);
    } else if ((after.spec.nodeName ?? '') !== '') {
      this.#queue.remove(keyOf(after));
      const known =
        before !== undefined && !this.#state.isAssumed(after.metadata.uid) && samePlacement(before, after);
      if (known) return;
      this.#state.setPod(after);
      this.#queue.wakeAll(nowMs);
    } else if (this.#state.isAssumed(after.metadata.uid)) {
      return; // decided already; the API has not told of it yet
    } else if (this.#isOurs(after)) {
      const changed =
        before !== undefined &&
        !semanticEqual([before.spec, before.metadata.labels], [after.spec, after.metadata.labels]);
      this.#queue.add({ key: keyOf(after), priority: after.spec.priority ?? 0 }, nowMs, changed);
    } else this.#queue.remove(keyOf(after));
    this.#wake();
  }

  #nodeChanged({ before, after }: Change<Node>): void {
    if (after === undefined) {
      this.#state.removeNode(before!.metadata.name);
      return;
    }
    if (before !== undefined && semanticEqual(schedulingFields(before), schedulingFields(after))) return;
    this.#state.setNode(after);
    this.#queue.wakeAll(this.#options.clock.monotonicMs());
    this.#wake();
  }
}

const schedulingFields = ({ metadata, spec, status }: Stored<Node>): unknown => [
  metadata.labels,
  spec?.taints,
  spec?.unschedulable,
  status?.allocatable,
  status?.capacity,
];

/** Whether nothing changed that the core goes by. */
const samePlacement = (before: Stored<Pod>, after: Stored<Pod>): boolean =>
  before.metadata.uid === after.metadata.uid &&
  before.metadata.deletionTimestamp === after.metadata.deletionTimestamp &&
  semanticEqual([before.spec, before.metadata.labels], [after.spec, after.metadata.labels]);
