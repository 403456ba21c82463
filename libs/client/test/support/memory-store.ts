import { randomUUID } from 'node:crypto';
import {
  alreadyExists,
  ApiError,
  conflict,
  expired,
  forbidden,
  notFound,
  type KubeObject,
} from '@raftsman/api';

/** Which resource a request names; the group and the plural tell kinds apart. */
export interface Ref {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

export interface Deletion {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';
export interface HistoryEvent {
  readonly revision: number;
  readonly prefix: string;
  readonly type: EventType;
  readonly object: KubeObject;
}

type Json = Record<string, unknown>;

/** Kinds whose writes to the main resource leave `status` alone. */
const withStatus = new Set(['pods', 'nodes', 'services', 'namespaces', 'deployments', 'replicasets']);
const defaultGraceSeconds = 30;

/**
 * Objects with resourceVersions, conflicts, finalizers, graceful deletion and a bounded history: what controllers rely on, in
 * memory. For tests only; validation, defaults and access control are the apiserver's.
 */
export class MemoryStore {
  revision = 1;
  /** Events older than this many are forgotten: a watch from before them is Expired. */
  historyMax = 10_000;
  readonly #objects = new Map<string, KubeObject>();
  readonly #history: HistoryEvent[] = [];
  readonly #listeners = new Set<(event: HistoryEvent) => void>();
  #oldest = 1;

  prefix(ref: Ref): string {
    return `/${ref.group}/${ref.resource}/`;
  }

  get(ref: Ref): KubeObject {
    const object = this.#objects.get(this.#key(ref));
    if (object === undefined) throw notFound({ group: ref.group, plural: ref.resource }, ref.name);
    return structuredClone(object);
  }

  list(ref: Ref): KubeObject[] {
    const prefix = `${this.prefix(ref)}${ref.namespace === '' ? '' : `${ref.namespace}/`}`;
    return [...this.#objects.entries()]
      .filter(([key]) => key.startsWith(prefix))
      .map(([, object]) => structuredClone(object));
  }

  create(ref: Ref, body: KubeObject): KubeObject {
    const object = structuredClone(body);
    const { metadata } = object;
    if (ref.namespace !== '') metadata.namespace = ref.namespace;
    metadata.name ??= `${metadata.generateName ?? 'x'}${randomUUID().slice(0, 5)}`;
    const named = { ...ref, name: metadata.name };
    this.#refuseInTerminatingNamespace(named);
    if (this.#objects.has(this.#key(named))) {
      throw alreadyExists({ group: ref.group, plural: ref.resource }, metadata.name);
    }
    metadata.uid = randomUUID();
    metadata.creationTimestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    metadata.generation = 1;
    if (ref.resource === 'namespaces') {
      object['spec'] = { finalizers: ['kubernetes'] };
      object['status'] = { phase: 'Active' };
    }
    if (ref.resource === 'pods')
      object['status'] = { phase: 'Pending', ...(object['status'] as Json | undefined) };
    return this.#put(named, object, 'ADDED');
  }

  update(ref: Ref, body: KubeObject): KubeObject {
    const current = this.get(ref);
    this.#check(ref, current, body.metadata.resourceVersion, body.metadata.uid);
    const next = this.#merge(ref, current, structuredClone(body));
    if (next.metadata.deletionTimestamp !== undefined && this.#mayGo(ref, next))
      return this.#remove(ref, next);
    return this.#put(ref, next, 'MODIFIED');
  }

  bind(ref: Ref, node: string): void {
    const pod = this.get({ ...ref, subresource: '' });
    const spec = pod['spec'] as Json;
    if (spec['nodeName'] !== undefined) {
      throw conflict(
        { group: '', plural: 'pods/binding' },
        ref.name,
        `pod ${ref.name} is already assigned to node`,
      );
    }
    spec['nodeName'] = node;
    const status = (pod['status'] ??= {}) as Json;
    const others = ((status['conditions'] ?? []) as Json[]).filter((each) => each['type'] !== 'PodScheduled');
    status['conditions'] = [...others, { type: 'PodScheduled', status: 'True' }];
    this.#put({ ...ref, subresource: '' }, pod, 'MODIFIED');
  }

  delete(ref: Ref, deletion: Deletion): KubeObject {
    const object = this.get(ref);
    this.#check(ref, object, deletion.resourceVersion, deletion.uid);
    const { metadata } = object;
    const finalizers = new Set(metadata.finalizers);
    if (deletion.propagationPolicy === 'Foreground') finalizers.add('foregroundDeletion');
    if (deletion.propagationPolicy === 'Orphan') finalizers.add('orphan');
    if (finalizers.size > 0) metadata.finalizers = [...finalizers];
    const bound = ((object['spec'] as Json | undefined)?.['nodeName'] ?? '') !== '';
    const grace = ref.resource === 'pods' && bound ? (deletion.gracePeriodSeconds ?? defaultGraceSeconds) : 0;
    metadata.deletionTimestamp ??= new Date(Date.now() + grace * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
    metadata.deletionGracePeriodSeconds = Math.min(grace, metadata.deletionGracePeriodSeconds ?? grace);
    if (ref.resource === 'namespaces') object['status'] = { phase: 'Terminating' };
    return this.#mayGo(ref, object) ? this.#remove(ref, object) : this.#put(ref, object, 'MODIFIED');
  }

  /** Past events after `revision`, then what comes, until the answered function is called. */
  watch(revision: number, listener: (event: HistoryEvent) => void): () => void {
    if (revision < this.#oldest - 1) throw expired(`too old resource version: ${revision} (${this.#oldest})`);
    for (const event of this.#history) if (event.revision > revision) listener(event);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As after a compaction: no watch can resume from before now. */
  forgetHistory(): void {
    this.#history.length = 0;
    this.#oldest = this.revision + 2;
    this.revision += 1;
  }

  #key(ref: Ref): string {
    return `${this.prefix(ref)}${ref.namespace === '' ? '' : `${ref.namespace}/`}${ref.name}`;
  }

  #check(ref: Ref, current: KubeObject, resourceVersion = '', uid = ''): void {
    const stale = resourceVersion !== '' && resourceVersion !== current.metadata.resourceVersion;
    if (stale || (uid !== '' && uid !== current.metadata.uid)) {
      throw conflict({ group: ref.group, plural: ref.resource }, ref.name);
    }
  }

  #refuseInTerminatingNamespace(ref: Ref): void {
    const namespace = this.#objects.get(`//namespaces/${ref.namespace}`);
    if (ref.namespace === '' || namespace?.metadata.deletionTimestamp === undefined) return;
    const refusal = forbidden(
      { group: ref.group, plural: ref.resource },
      ref.name,
      'the namespace is being terminated',
    );
    const causes = [
      { reason: 'NamespaceTerminating', message: 'being terminated', field: 'metadata.namespace' },
    ];
    throw new ApiError({ ...refusal.status, details: { ...refusal.status.details, causes } });
  }

  /** Keeps what the verb may not change; raises the generation when the spec changed. */
  #merge(ref: Ref, current: KubeObject, body: KubeObject): KubeObject {
    if (ref.subresource === 'status') return { ...current, status: body['status'] };
    if (ref.subresource === 'finalize') return { ...current, spec: body['spec'] };
    const { uid, creationTimestamp, deletionTimestamp, generation = 1 } = current.metadata;
    const metadata = {
      ...body.metadata,
      uid,
      creationTimestamp,
      deletionTimestamp,
      generation,
    } as KubeObject['metadata'];
    if (deletionTimestamp === undefined) delete metadata.deletionTimestamp;
    const next: KubeObject = { ...body, metadata };
    if (withStatus.has(ref.resource)) next['status'] = current['status'];
    if (JSON.stringify(next['spec']) !== JSON.stringify(current['spec']))
      metadata.generation = generation + 1;
    return next;
  }

  #mayGo(ref: Ref, object: KubeObject): boolean {
    if ((object.metadata.finalizers ?? []).length > 0) return false;
    if (ref.resource === 'namespaces')
      return ((object['spec'] as Json)['finalizers'] as string[]).length === 0;
    return (object.metadata.deletionGracePeriodSeconds ?? 0) === 0;
  }

  #put(ref: Ref, object: KubeObject, type: EventType): KubeObject {
    this.revision += 1;
    object.metadata.resourceVersion = String(this.revision);
    this.#objects.set(this.#key(ref), structuredClone(object));
    this.#tell({ revision: this.revision, prefix: this.prefix(ref), type, object: structuredClone(object) });
    return object;
  }

  #remove(ref: Ref, object: KubeObject): KubeObject {
    this.revision += 1;
    object.metadata.resourceVersion = String(this.revision);
    this.#objects.delete(this.#key(ref));
    this.#tell({
      revision: this.revision,
      prefix: this.prefix(ref),
      type: 'DELETED',
      object: structuredClone(object),
    });
    return object;
  }

  #tell(event: HistoryEvent): void {
    this.#history.push(event);
    if (this.#history.length > this.historyMax) this.#oldest = this.#history.shift()!.revision + 1;
    for (const listener of this.#listeners) listener(event);
  }
}
