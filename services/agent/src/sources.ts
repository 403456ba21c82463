import type { ConfigMap, Pod, PodStatus, Secret } from '@raftsman/api';

/** What the agent needs of the API, no more. `api-sources.ts` is it over libs/client; tests have it in memory. */

/** The pods that are bound to this node. */
export interface PodSource {
  /** Calls back for every pod there is and for each change from now on. `synced`: the first of all were handed over. */
  subscribe(handlers: PodHandlers): void;
}

export interface PodHandlers {
  set(pod: Pod): void;
  deleted(pod: Pod): void;
  synced(): void;
}

/** All writes reject with an ApiError or answer `gone` if the pod of that uid is no longer there. */
export interface PodSink {
  /** Puts `next(current)` in the place of the pod's status; undefined: it may stay. */
  writeStatus(pod: Pod, status: PodStatus): Promise<'written' | 'gone'>;
  /** Takes the pod out of the API: its last container is gone. */
  remove(pod: Pod): Promise<void>;
}

/** Undefined: there is none of that name. */
export interface ObjectReader {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

/** Best effort: never waits, never fails. */
export interface EventSink {
  event(object: EventObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

export interface EventObject {
  readonly kind: 'Pod' | 'Node';
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
  /** "spec.containers{web}" */
  readonly fieldPath?: string;
}

export const podReference = (pod: Pod, containerName?: string, init = false): EventObject => ({
  kind: 'Pod',
  namespace: pod.metadata.namespace ?? '',
  name: pod.metadata.name ?? '',
  uid: pod.metadata.uid ?? '',
  ...(containerName === undefined
    ? {}
    : { fieldPath: `spec.${init ? 'initContainers' : 'containers'}{${containerName}}` }),
});
