import { resourceOfKind, type OwnerReference, type Resource } from '@raftsman/api';
import {
  createController,
  createWorkQueue,
  isConflict,
  isNotFound,
  keyOf,
  type Controller,
  type Informer,
  type ObjectLike,
  type Stored,
  type WorkQueue,
} from '@raftsman/client';
import type { ControllerContext } from '../context.js';
import { controllerLimits } from '../limits.js';
import { forEachParallel } from '../slow-start.js';
import {
  blocking,
  decideDependent,
  foregroundFinalizer,
  matters,
  orphanFinalizer,
  pendingWork,
  withoutFinalizer,
  withoutOwners,
  type OwnerState,
} from './decide.js';

interface Followed {
  readonly resource: Resource;
  readonly informer: Informer<ObjectLike>;
}

/** Deletes what is owned by what is gone. Keys are "index of the resource|namespace/name". */
export function createGarbageCollector(context: ControllerContext): Controller {
  const queue = createWorkQueue();
  const followed = context.informers.all;
  const collector = new GarbageCollector(context, queue);
  for (const [index, { informer }] of followed.entries()) {
    informer.onChange(({ before, after }) => {
      if (after === undefined) collector.ownerGone(before!);
      else if (matters(before, after)) {
        queue.add(`${index}|${keyOf(after)}`);
        if (after.metadata.deletionTimestamp === undefined) return;
        collector.enqueueDependents(after.metadata.uid);
      }
      const last = before ?? after;
      // A dependent that went or let go may be the one its owner waits for.
      for (const { uid } of last?.metadata.ownerReferences ?? []) collector.enqueueOwner(uid, last!);
    });
  }
  return createController({
    name: 'garbage-collector',
    queue,
    reconcile: (key) => collector.reconcile(key),
    workers: controllerLimits.workers,
    synced: followed.map(({ informer }) => informer),
    logger: context.logger,
  });
}

class GarbageCollector {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #followed: readonly Followed[];
  /** Uids of owners that the API said do not exist; a uid never comes back. */
  readonly #absent = new Set<string>();

  constructor(context: ControllerContext, queue: WorkQueue) {
    this.#context = context;
    this.#queue = queue;
    this.#followed = context.informers.all;
  }

  ownerGone(owner: Stored<ObjectLike>): void {
    this.#rememberAbsent(owner.metadata.uid);
    this.enqueueDependents(owner.metadata.uid);
  }

  enqueueDependents(uid: string): void {
    for (const [index, { informer }] of this.#followed.entries()) {
      for (const dependent of informer.by('owner', uid)) this.#queue.add(`${index}|${keyOf(dependent)}`);
    }
  }

  enqueueOwner(uid: string, dependent: Stored<ObjectLike>): void {
    const reference = dependent.metadata.ownerReferences?.find((each) => each.uid === uid);
    const at = reference === undefined ? undefined : this.#find(reference, dependent);
    const owner = at?.followed.informer.get(at.key);
    if (at !== undefined && owner?.metadata.deletionTimestamp !== undefined) {
      this.#queue.add(`${this.#followed.indexOf(at.followed)}|${at.key}`);
    }
  }

  async reconcile(key: string): Promise<void> {
    const bar = key.indexOf('|');
    const followed = this.#followed[Number(key.slice(0, bar))]!;
    const object = followed.informer.get(key.slice(bar + 1));
    if (object === undefined) return;
    switch (pendingWork(object)) {
      case 'orphan':
        return this.#orphan(followed, object);
      case 'foreground':
        return this.#foreground(followed, object);
      case undefined:
        return this.#judge(followed, object);
    }
  }

  async #judge({ resource }: Followed, object: Stored<ObjectLike>): Promise<void> {
    const owners: { reference: OwnerReference; state: OwnerState }[] = [];
    for (const reference of object.metadata.ownerReferences ?? []) {
      owners.push({ reference, state: await this.#stateOf(reference, object) });
    }
    const verdict = decideDependent(object, owners, this.#dependents(object.metadata.uid).length > 0);
    const objects = this.#context.client.of<ObjectLike>(resource);
    const { namespace, name, uid } = object.metadata;
    switch (verdict.kind) {
      case 'keep':
        return;
      case 'unlink':
        await this.#unlessGone(() => objects.update(withoutOwners(object, verdict.uids)));
        return;
      case 'delete':
        this.#context.logger.debug(
          { kind: resource.kind, object: keyOf(object) },
          'no owner is left: deleting',
        );
        await this.#unlessGone(() =>
          objects.delete({ namespace, name }, { uid, propagationPolicy: verdict.propagation }),
        );
    }
  }

  /** Dependents are let go one by one, then the owner goes. */
  async #orphan({ resource }: Followed, owner: Stored<ObjectLike>): Promise<void> {
    const uids = new Set([owner.metadata.uid]);
    const dependents = this.#followed.flatMap((followed) =>
      followed.informer.by('owner', owner.metadata.uid).map((object) => ({ followed, object })),
    );
    await forEachParallel(dependents, controllerLimits.parallelWrites, async ({ followed, object }) => {
      const objects = this.#context.client.of<ObjectLike>(followed.resource);
      const { namespace, name } = object.metadata;
      await this.#unlessGone(() =>
        objects.modify(
          { namespace, name },
          (now) =>
            now.metadata.ownerReferences?.some(({ uid }) => uids.has(uid)) === true
              ? withoutOwners(now, uids)
              : undefined,
          { start: object },
        ),
      );
    });
    await this.#dropFinalizer(resource, owner, orphanFinalizer);
  }

  /** The owner waits until no dependent that blocks it is left; those that are there are deleted by `#judge`. */
  async #foreground({ resource }: Followed, owner: Stored<ObjectLike>): Promise<void> {
    const { uid } = owner.metadata;
    if (blocking(uid, this.#dependents(uid)).length > 0) this.enqueueDependents(uid);
    else await this.#dropFinalizer(resource, owner, foregroundFinalizer);
  }

  async #dropFinalizer(resource: Resource, object: Stored<ObjectLike>, finalizer: string): Promise<void> {
    const objects = this.#context.client.of<ObjectLike>(resource);
    const { namespace, name } = object.metadata;
    await this.#unlessGone(() =>
      objects.modify(
        { namespace, name },
        (now) =>
          now.metadata.finalizers?.includes(finalizer) === true
            ? withoutFinalizer(now, finalizer)
            : undefined,
        { start: object },
      ),
    );
  }

  #dependents(uid: string): Stored<ObjectLike>[] {
    return this.#followed.flatMap(({ informer }) => informer.by('owner', uid));
  }

  /** Where an owner would be; undefined if its kind is not followed. */
  #find(
    reference: OwnerReference,
    dependent: Stored<ObjectLike>,
  ): { followed: Followed; key: string } | undefined {
    const resource = resourceOfKind(reference.apiVersion, reference.kind);
    const followed = this.#followed.find((each) => each.resource === resource);
    if (followed === undefined) return undefined;
    const namespace = dependent.metadata.namespace ?? '';
    return {
      followed,
      key: followed.resource.namespaced ? `${namespace}/${reference.name}` : reference.name,
    };
  }

  async #stateOf(reference: OwnerReference, dependent: Stored<ObjectLike>): Promise<OwnerState> {
    if (this.#absent.has(reference.uid)) return 'absent';
    const at = this.#find(reference, dependent);
    if (at === undefined) return 'unknown';
    const cached = at.followed.informer.get(at.key);
    const owner = cached?.metadata.uid === reference.uid ? cached : await this.#readLive(at.followed, at.key);
    if (owner?.metadata.uid !== reference.uid) {
      this.#rememberAbsent(reference.uid);
      return 'absent';
    }
    const waits =
      owner.metadata.deletionTimestamp !== undefined &&
      owner.metadata.finalizers?.includes(foregroundFinalizer);
    return waits === true ? 'waiting' : 'present';
  }

  /** A cache that does not know an owner may only lag behind. */
  async #readLive({ resource }: Followed, key: string): Promise<Stored<ObjectLike> | undefined> {
    const slash = key.indexOf('/');
    const ref = slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
    try {
      return await this.#context.client.of<ObjectLike>(resource).get(ref);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #rememberAbsent(uid: string): void {
    this.#absent.add(uid);
    for (const oldest of this.#absent) {
      if (this.#absent.size <= controllerLimits.absentOwnersMax) return;
      this.#absent.delete(oldest);
    }
  }

  /** What went or was made anew meanwhile needs nothing of us; a newer version comes back by its event. */
  async #unlessGone(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}
