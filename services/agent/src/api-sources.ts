import { isDeepStrictEqual } from 'node:util';
import type { ConfigMap, Pod, PodStatus, Secret } from '@raftsman/api';
import {
  isConflict,
  isNotFound,
  kinds,
  type ApiClient,
  type EventRecorder,
  type Informer,
  type ResourceClient,
  type Stored,
} from '@raftsman/client';
import { ownConditionTypes } from './pods/pod-conditions.js';
import type { EventSink, ObjectReader, PodSink, PodSource } from './sources.js';

/** sources.ts over libs/client. */

export function podSource(informer: Informer<Pod>, signal: AbortSignal): PodSource {
  return {
    subscribe: (handlers) => {
      informer.onChange(({ before, after }) => {
        if (after !== undefined) handlers.set(after);
        else if (before !== undefined) handlers.deleted(before);
      });
      void informer.waitForSync(signal).then((synced) => {
        if (synced) handlers.synced();
        return undefined;
      });
    },
  };
}

export function podSink(client: ApiClient): PodSink {
  const pods = client.of(kinds.pods);
  const refOf = (pod: Pod): { namespace: string; name: string } => ({
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name ?? '',
  });
  return {
    writeStatus: async (pod, status) => {
      let replaced = false;
      const change = (current: Stored<Pod>): Stored<Pod> | undefined => {
        replaced = current.metadata.uid !== pod.metadata.uid;
        const merged = mergedStatus(current.status, status);
        return replaced || isDeepStrictEqual(merged, current.status)
          ? undefined
          : { ...current, status: merged };
      };
      // The version that the agent saw is mostly still the newest, which saves the read.
      const start = (pod.metadata.resourceVersion ?? '') === '' ? {} : { start: pod as Stored<Pod> };
      try {
        await pods.modify(refOf(pod), change, { status: true, ...start });
        return replaced ? 'gone' : 'written';
      } catch (error) {
        if (isNotFound(error)) return 'gone';
        throw error;
      }
    },
    remove: async (pod) => {
      const uid = pod.metadata.uid ?? '';
      try {
        await pods.delete(refOf(pod), { gracePeriodSeconds: 0, uid });
      } catch (error) {
        // Gone, or another pod has its name by now.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    },
  };
}

/** Conditions that others own stay as they are in the API now. */
function mergedStatus(current: PodStatus | undefined, next: PodStatus): PodStatus {
  const others = (current?.conditions ?? []).filter(({ type }) => !ownConditionTypes.has(type));
  const own = (next.conditions ?? []).filter(
    ({ type }) => ownConditionTypes.has(type) || !others.some((other) => other.type === type),
  );
  return { ...current, ...next, conditions: [...own, ...others] };
}

export function objectReader(client: ApiClient): ObjectReader {
  const read = async <T extends ConfigMap | Secret>(
    resource: ResourceClient<T>,
    namespace: string,
    name: string,
  ): Promise<Stored<T> | undefined> => {
    if (name === '') return undefined;
    try {
      return await resource.get({ namespace, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    configMap: (namespace, name) => read(client.of<ConfigMap>(kinds.configMaps), namespace, name),
    secret: (namespace, name) => read(client.of<Secret>(kinds.secrets), namespace, name),
  };
}

export const eventSink = (recorder: EventRecorder): EventSink => ({
  event: (object, type, reason, message) =>
    recorder.event({ apiVersion: 'v1', ...object }, type, reason, message),
});
