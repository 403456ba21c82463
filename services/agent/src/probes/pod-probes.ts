import type { Container, Pod, Probe } from '@raftsman/api';
import type { ProbeVerdict } from '../pods/plan.js';
import { initContainersOf, isSidecar, readySandbox, type PodRuntimeState } from '../pods/pod-state.js';
import type { ContainerStatus, Runtime } from '../runtime/runtime.js';
import { podReference, type EventSink } from '../sources.js';
import {
  initialProbeState,
  nextProbeState,
  probeTiming,
  type ProbeKind,
  type ProbeState,
} from './probe-state.js';
import { Prober } from './prober.js';
import { runProbe } from './run-probe.js';

export interface PodProbesOptions {
  readonly runtime: Pick<Runtime, 'execSync'>;
  readonly events: EventSink;
  readonly hostIp: string;
  readonly now: () => number;
  /** A probe's verdict turned. */
  readonly changed: () => void;
}

interface ProbedRun {
  readonly container: Container;
  readonly startedAtMs: number;
  readonly states: Map<ProbeKind, ProbeState>;
  readonly probers: Prober[];
}

/** The probes of one pod's running containers. */
export class PodProbes {
  readonly #options: PodProbesOptions;
  /** By container id. */
  readonly #runs = new Map<string, ProbedRun>();

  constructor(options: PodProbesOptions) {
    this.#options = options;
  }

  /** Begins with containers that run now, ends with those that no longer do. */
  sync(pod: Pod, state: PodRuntimeState): void {
    const running = new Set<string>();
    const probed = [...initContainersOf(pod).filter(isSidecar), ...pod.spec.containers];
    for (const status of state.containers) {
      const container = probed.find(({ name }) => name === status.metadata.name);
      if (status.state !== 'running' || container === undefined) continue;
      running.add(status.id);
      if (!this.#runs.has(status.id)) this.#begin(pod, container, status, state);
    }
    for (const id of this.#runs.keys()) if (!running.has(id)) this.#end(id);
  }

  verdict(containerId: string): ProbeVerdict {
    const run = this.#runs.get(containerId);
    if (run === undefined) return { started: false, ready: false };
    const passes = (kind: ProbeKind): boolean => run.states.get(kind)?.passing ?? true;
    const started = passes('startup');
    const startupFailed = run.states.get('startup');
    const unhealthy =
      startupFailed !== undefined && hasFailed(startupFailed, run.container.startupProbe)
        ? 'startup'
        : passes('liveness')
          ? undefined
          : 'liveness';
    return {
      started,
      ready: started && passes('readiness'),
      ...(unhealthy === undefined ? {} : { unhealthy }),
    };
  }

  stop(): void {
    for (const id of this.#runs.keys()) this.#end(id);
  }

  /** The pod ends: nothing is probed any more, and what was found last stays. */
  freeze(): void {
    for (const { probers } of this.#runs.values()) for (const prober of probers) prober.stop();
  }

  #begin(pod: Pod, container: Container, status: ContainerStatus, state: PodRuntimeState): void {
    const states = new Map<ProbeKind, ProbeState>();
    const probers: Prober[] = [];
    this.#runs.set(status.id, { container, startedAtMs: status.startedAtMs, states, probers });
    const podIp = pod.spec.hostNetwork === true ? this.#options.hostIp : (readySandbox(state)?.ips[0] ?? '');
    // A container that an earlier agent found ready is not made unready by a new agent's start.
    const reported = [
      ...(pod.status?.containerStatuses ?? []),
      ...(pod.status?.initContainerStatuses ?? []),
    ].find(({ containerID }) => containerID?.endsWith(`//${status.id}`));
    const add = (kind: ProbeKind, probe: Probe | undefined, known: boolean | undefined): void => {
      if (probe === undefined) return;
      states.set(kind, known === true ? { passing: true, streak: 0 } : initialProbeState(kind));
      const due = (): boolean =>
        kind === 'startup' ? states.get(kind)?.passing !== true : (states.get('startup')?.passing ?? true);
      const target = { container, containerId: status.id, podIp, runtime: this.#options.runtime };
      const prober = new Prober({
        probe,
        startedAtMs: status.startedAtMs,
        now: this.#options.now,
        due,
        awaited: () =>
          kind !== 'liveness' && states.get(kind)?.passing === false && (probe.successThreshold ?? 1) <= 1,
        run: (timeoutMs) => runProbe(probe, target, timeoutMs),
        result: ({ passed, output }) => this.#result(pod, status.id, kind, probe, passed, output),
      });
      probers.push(prober);
      prober.start();
    };
    add('startup', container.startupProbe, reported?.started);
    add('liveness', container.livenessProbe, undefined);
    add('readiness', container.readinessProbe, reported?.ready);
  }

  #end(containerId: string): void {
    for (const prober of this.#runs.get(containerId)?.probers ?? []) prober.stop();
    this.#runs.delete(containerId);
  }

  #result(
    pod: Pod,
    containerId: string,
    kind: ProbeKind,
    probe: Probe,
    passed: boolean,
    output: string,
  ): void {
    const run = this.#runs.get(containerId);
    const before = run?.states.get(kind);
    if (run === undefined || before === undefined) return;
    if (!passed) {
      const init = run.container.restartPolicy === 'Always';
      const words = `${kind[0]!.toUpperCase()}${kind.slice(1)} probe failed: ${output}`;
      this.#options.events.event(podReference(pod, run.container.name, init), 'Warning', 'Unhealthy', words);
    }
    const after = nextProbeState(before, passed, probeTiming(probe));
    run.states.set(kind, after);
    const failedForGood = hasFailed(after, probe) && !hasFailed(before, probe);
    // What waited for the container to start begins now.
    if (kind === 'startup' && after.passing && !before.passing)
      for (const prober of run.probers) prober.kick();
    if (after.passing !== before.passing || (kind === 'startup' && failedForGood)) this.#options.changed();
  }
}

const hasFailed = (state: ProbeState, probe: Probe | undefined): boolean =>
  probe !== undefined && !state.passing && -state.streak >= probeTiming(probe).failureThreshold;
