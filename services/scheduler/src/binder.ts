import { ApiError, type Pod } from '@raftsman/api';
import {
  isNotFound,
  keyOf,
  referenceTo,
  type Clock,
  type EventRecorder,
  type ResourceClient,
  type Stored,
} from '@raftsman/client';
import type { Logger } from '@raftsman/telemetry';

export interface BinderOptions {
  readonly pods: ResourceClient<Pod>;
  readonly recorder: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
  /** `gone`: the pod does not need the binding any more. */
  readonly settled: (pod: Stored<Pod>, outcome: 'bound' | 'failed' | 'gone') => void;
}

/** Writes what was decided, without holding up the next decision. */
export interface Binder {
  bind(pod: Stored<Pod>, node: string): void;
  /** The PodScheduled condition; best effort, the next try writes it again. */
  tellUnschedulable(pod: Stored<Pod>, message: string): void;
  readonly inFlight: number;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
}

export function createBinder(options: BinderOptions): Binder {
  const writing = new Set<Promise<void>>();
  let bindings = 0;
  const track = (work: Promise<void>): void => {
    const tracked: Promise<void> = work.finally(() => writing.delete(tracked));
    writing.add(tracked);
  };
  return {
    bind: (pod, node) => {
      bindings += 1;
      track(
        bind(options, pod, node).then((outcome) => {
          bindings -= 1;
          options.settled(pod, outcome);
        }),
      );
    },
    tellUnschedulable: (pod, message) => track(tellUnschedulable(options, pod, message)),
    get inFlight() {
      return bindings;
    },
    idle: async () => {
      await Promise.all(writing);
    },
  };
}

async function bind(
  options: BinderOptions,
  pod: Stored<Pod>,
  node: string,
): Promise<'bound' | 'failed' | 'gone'> {
  const { pods, recorder, logger } = options;
  const { namespace, name, uid } = pod.metadata;
  try {
    await pods.createSubresource({ namespace, name }, 'binding', {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace: namespace!, name, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    } as Parameters<typeof pods.createSubresource>[2]);
    recorder.event(referenceTo(pod), 'Normal', 'Scheduled', `Successfully assigned ${keyOf(pod)} to ${node}`);
    return 'bound';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    logger.debug({ err: error, pod: keyOf(pod), node }, 'binding failed');
    const outcome = await afterFailure(pods, pod);
    if (outcome === 'failed') {
      recorder.event(referenceTo(pod), 'Warning', 'FailedScheduling', `binding rejected: ${error.message}`);
    }
    return outcome;
  }
}

/** The answer was an error or got lost: the API knows whether the pod is bound. */
async function afterFailure(pods: ResourceClient<Pod>, pod: Stored<Pod>): Promise<'failed' | 'gone'> {
  const { namespace, name, uid } = pod.metadata;
  try {
    const live = await pods.get({ namespace, name });
    // Bound after all, here or elsewhere: the cache will tell where.
    return live.metadata.uid !== uid || (live.spec.nodeName ?? '') !== '' ? 'gone' : 'failed';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return isNotFound(error) ? 'gone' : 'failed';
  }
}

async function tellUnschedulable(
  { pods, logger, clock }: BinderOptions,
  pod: Stored<Pod>,
  message: string,
): Promise<void> {
  const { namespace, name, uid } = pod.metadata;
  try {
    await pods.modify(
      { namespace, name },
      (current) => {
        const conditions = current.status?.conditions ?? [];
        const before = conditions.find(({ type }) => type === 'PodScheduled');
        const same =
          before?.status === 'False' && before.reason === 'Unschedulable' && before.message === message;
        if (same || current.metadata.uid !== uid || (current.spec.nodeName ?? '') !== '') return undefined;
        const now = `${new Date(clock.wallMs()).toISOString().slice(0, 19)}Z`;
        const lastTransitionTime = before?.status === 'False' ? (before.lastTransitionTime ?? now) : now;
        const condition = {
          type: 'PodScheduled',
          status: 'False' as const,
          reason: 'Unschedulable',
          message,
          lastTransitionTime,
        };
        const others = conditions.filter(({ type }) => type !== 'PodScheduled');
        return { ...current, status: { ...current.status, conditions: [...others, condition] } };
      },
      { status: true, start: pod },
    );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (!isNotFound(error)) logger.debug({ err: error, pod: keyOf(pod) }, 'condition not written');
  }
}
