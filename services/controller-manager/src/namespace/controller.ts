import { resources, type Namespace, type Resource } from '@raftsman/api';
import {
  createController,
  createWorkQueue,
  isConflict,
  isNotFound,
  kinds,
  type Controller,
  type Requeue,
  type Stored,
} from '@raftsman/client';
import type { ControllerContext } from '../context.js';
import { controllerLimits } from '../limits.js';
import { forEachParallel } from '../slow-start.js';

const finalizer = 'kubernetes';

/** Resources whose objects go with their namespace. Pods last: while their owners are there, new ones are made. */
const contents: readonly Resource[] = resources
  .filter(({ namespaced, verbs }) => namespaced && verbs.includes('list') && verbs.includes('delete'))
  .toSorted((a, b) => Number(a.plural === 'pods') - Number(b.plural === 'pods'));

/** Empties a namespace that is being deleted, then lets it go. */
export function createNamespaceController(context: ControllerContext): Controller {
  const { informers, client, logger } = context;
  const queue = createWorkQueue({ backoffMaxMs: 5_000 });
  informers.namespaces.onChange(({ after }) => {
    if (after?.metadata.deletionTimestamp !== undefined) queue.add(after.metadata.name);
  });

  /** Deletes what is there; answers how many objects still are. */
  const empty = async (namespace: string, resource: Resource): Promise<number> => {
    const objects = client.of(resource);
    const { items } = await objects.list({ namespace });
    const going = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    await forEachParallel(going, controllerLimits.parallelWrites, async ({ metadata: { name, uid } }) => {
      try {
        await objects.delete({ namespace, name }, { uid, propagationPolicy: 'Background' });
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    });
    return going.length === 0 ? items.length : (await objects.list({ namespace })).items.length;
  };

  const finalize = async ({ metadata: { name, uid } }: Stored<Namespace>): Promise<void> => {
    const namespaces = client.of(kinds.namespaces);
    try {
      const live = await namespaces.get({ name });
      if (live.metadata.uid !== uid || live.metadata.deletionTimestamp === undefined) return;
      const finalizers = (live.spec?.finalizers ?? []).filter((each) => each !== finalizer);
      const emptied: Namespace = { ...live, spec: { ...live.spec, finalizers } };
      await namespaces.updateSubresource({ name }, 'finalize', emptied);
      // An apiserver that does not remove it with its last finalizer does so now.
      if (finalizers.length === 0) await namespaces.delete({ name }, { uid });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };

  return createController({
    name: 'namespace',
    queue,
    workers: controllerLimits.workers,
    synced: [informers.namespaces],
    logger,
    reconcile: async (name): Promise<Requeue | void> => {
      const namespace = informers.namespaces.get(name);
      if (namespace?.metadata.deletionTimestamp === undefined) return undefined;
      let left = 0;
      for (const resource of contents) left += await empty(name, resource);
      if (left > 0) return { afterMs: controllerLimits.namespaceRetryMs };
      await finalize(namespace);
      logger.info({ namespace: name }, 'namespace removed');
      return undefined;
    },
  });
}
