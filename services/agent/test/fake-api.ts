import type { ConfigMap, Pod, PodStatus, Secret } from '@raftsman/api';
import type {
  EventObject,
  EventSink,
  ObjectReader,
  PodHandlers,
  PodSink,
  PodSource,
} from '../src/sources.js';

export interface RecordedEvent {
  readonly object: EventObject;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** The API as the agent sees it, in memory: pods of one node, their statuses, what they refer to, and Events. */
export class FakeApi implements PodSource, PodSink, ObjectReader, EventSink {
  readonly pods = new Map<string, Pod>();
  readonly events: RecordedEvent[] = [];
  readonly configMaps = new Map<string, Record<string, string>>();
  readonly secrets = new Map<string, Record<string, string>>();
  statusWrites = 0;
  /** Thrown by the next status writes. */
  failures: Error[] = [];
  #handlers: PodHandlers | undefined;

  subscribe(handlers: PodHandlers): void {
    this.#handlers = handlers;
    for (const pod of this.pods.values()) handlers.set(pod);
    handlers.synced();
  }

  put(pod: Pod): void {
    this.pods.set(pod.metadata.uid!, pod);
    this.#handlers?.set(pod);
  }

  /** `kubectl delete`: marks it, the agent takes it out. */
  delete(uid: string, graceSeconds?: number): void {
    const pod = this.pods.get(uid)!;
    this.put({
      ...pod,
      metadata: {
        ...pod.metadata,
        deletionTimestamp: new Date().toISOString(),
        deletionGracePeriodSeconds: graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30,
      },
    });
  }

  /** `kubectl delete --force`: it is gone at once. */
  vanish(uid: string): void {
    const pod = this.pods.get(uid)!;
    this.pods.delete(uid);
    this.#handlers?.deleted(pod);
  }

  status(uid: string): PodStatus {
    return this.pods.get(uid)?.status ?? {};
  }

  reasons(podName: string): readonly string[] {
    return this.events.filter(({ object }) => object.name === podName).map(({ reason }) => reason);
  }

  writeStatus(pod: Pod, status: PodStatus): Promise<'written' | 'gone'> {
    const failure = this.failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    const current = this.pods.get(pod.metadata.uid!);
    if (current === undefined) return Promise.resolve('gone');
    this.statusWrites += 1;
    this.put({ ...current, status: { ...current.status, ...status } });
    return Promise.resolve('written');
  }

  remove(pod: Pod): Promise<void> {
    this.vanish(pod.metadata.uid!);
    return Promise.resolve();
  }

  configMap(_namespace: string, name: string): Promise<ConfigMap | undefined> {
    const data = this.configMaps.get(name);
    return Promise.resolve(data && { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
  }

  secret(_namespace: string, name: string): Promise<Secret | undefined> {
    const plain = this.secrets.get(name);
    const data = Object.fromEntries(
      Object.entries(plain ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
    return Promise.resolve(plain && { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data });
  }

  event(object: EventObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.events.push({ object, type, reason, message });
  }
}
