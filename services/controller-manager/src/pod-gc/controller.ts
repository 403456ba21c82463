import type { Pod } from '@raftsman/api';
import { isNotFound, keyOf, kinds, sleep, type Controller, type Stored } from '@raftsman/client';
import type { ControllerContext } from '../context.js';
import { controllerLimits } from '../limits.js';
import { forEachParallel } from '../slow-start.js';
import { decidePodGc } from './decide.js';

/** Looks through the cache now and then; writes only when there is something to remove. */
export function createPodGcController(context: ControllerContext, terminatedPodsMax: number): Controller {
  const { informers, clock, logger, client } = context;
  const pods = client.of(kinds.pods);
  const nodes = client.of(kinds.nodes);
  /** Since when the node of a pod is missing, by node (monotonic). */
  const missingSinceMs = new Map<string, number>();

  const remove = async (pod: Stored<Pod>): Promise<void> => {
    const { namespace, name, uid } = pod.metadata;
    try {
      await pods.delete({ namespace, name }, { uid, gracePeriodSeconds: 0 });
      logger.info({ pod: keyOf(pod), node: pod.spec.nodeName }, 'pod removed: nobody is left to end it');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };

  const isGone = async (node: string): Promise<boolean> => {
    try {
      await nodes.get({ name: node });
      return false;
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
  };

  /** Orphans whose node has been missing for the whole quarantine, and is missing in the API too. */
  const confirmedOrphans = async (orphans: readonly Stored<Pod>[]): Promise<Stored<Pod>[]> => {
    const nowMs = clock.monotonicMs();
    const names = new Set(orphans.map(({ spec }) => spec.nodeName!));
    for (const name of missingSinceMs.keys()) if (!names.has(name)) missingSinceMs.delete(name);
    const confirmed = new Set<string>();
    for (const name of names) {
      const sinceMs = missingSinceMs.get(name) ?? nowMs;
      missingSinceMs.set(name, sinceMs);
      const over = nowMs - sinceMs >= controllerLimits.orphanPodQuarantineMs;
      if (over && (await isGone(name))) confirmed.add(name);
    }
    return orphans.filter(({ spec }) => confirmed.has(spec.nodeName!));
  };

  const collect = async (): Promise<void> => {
    const nodeOf = (name: string): ReturnType<typeof informers.nodes.get> => informers.nodes.get(name);
    const plan = decidePodGc({
      pods: informers.pods.list(),
      nodeOf,
      terminatedMax: terminatedPodsMax,
      nowMs: clock.wallMs(),
    });
    const all = [...plan.remove, ...(await confirmedOrphans(plan.orphans))];
    await forEachParallel(all, controllerLimits.parallelWrites, remove);
  };

  return {
    run: async (signal) => {
      await Promise.all([informers.pods.waitForSync(signal), informers.nodes.waitForSync(signal)]);
      while (!signal.aborted) {
        try {
          await collect();
        } catch (error) {
          if (!signal.aborted) logger.warn({ err: error }, 'pod collection failed, again later');
        }
        await sleep(clock, controllerLimits.podGcPeriodMs, signal);
      }
    },
  };
}
