import type { Pod } from '@raftsman/api';
import type { Logger } from '@raftsman/telemetry';
import type { PodFacts } from '../containers/fields.js';
import type { Runtime } from '../runtime/runtime.js';
import type { EventSink, ObjectReader, PodSink } from '../sources.js';
import { readySandbox, type PodRuntimeState } from './pod-state.js';
import type { StatusWriter } from './status-writer.js';

/** What all pod workers share. */
export interface PodContext {
  readonly runtime: Runtime;
  readonly sink: PodSink;
  readonly statuses: StatusWriter;
  readonly objects: ObjectReader;
  readonly events: EventSink;
  readonly logger: Logger;
  readonly rootDir: string;
  readonly nodeName: string;
  readonly hostIp: string;
  /** The node's allocatable resources: cores, bytes. */
  readonly allocatable: Readonly<Record<string, number>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export const podFacts = (context: PodContext, pod: Pod, state: PodRuntimeState): PodFacts => ({
  nodeName: context.nodeName,
  hostIp: context.hostIp,
  podIps: pod.spec.hostNetwork === true ? [context.hostIp] : (readySandbox(state)?.ips ?? []),
  allocatable: context.allocatable,
});

export const identityOf = (pod: Pod): { uid: string; namespace: string; name: string } => ({
  uid: pod.metadata.uid ?? '',
  namespace: pod.metadata.namespace ?? '',
  name: pod.metadata.name ?? '',
});

/** "web-1_default(3f2a…)", as kubelet's messages name a pod. */
export const describePod = (pod: Pod): string => {
  const { name, namespace, uid } = identityOf(pod);
  return `${name}_${namespace}(${uid})`;
};
