import type { Node, Pod } from '@raftsman/api';
import type { Stored } from '@raftsman/client';
import { isUnreachable } from '../node-lifecycle/judgement.js';
import { isTerminal, isTerminating } from '../pods.js';

export interface PodGcInput {
  readonly pods: readonly Stored<Pod>[];
  readonly nodeOf: (name: string) => Stored<Node> | undefined;
  readonly terminatedMax: number;
  readonly nowMs: number;
}

export interface PodGcPlan {
  /** Nobody is left who could end them: they are removed at once. */
  readonly remove: readonly Stored<Pod>[];
  /** Bound to a node that the cache does not know: to be asked for, and removed if that lasts. */
  readonly orphans: readonly Stored<Pod>[];
}

/**
 * Which pods nobody will clean up. A terminating pod on an unreachable node goes when its grace period is over: should the node
 * come back, its agent ends whatever the API does not know. Pure.
 */
export function decidePodGc({ pods, nodeOf, terminatedMax, nowMs }: PodGcInput): PodGcPlan {
  const remove: Stored<Pod>[] = [];
  const orphans: Stored<Pod>[] = [];
  const ended: Stored<Pod>[] = [];
  for (const pod of pods) {
    const nodeName = pod.spec.nodeName ?? '';
    const node = nodeName === '' ? undefined : nodeOf(nodeName);
    const graceOver = isTerminating(pod) && Date.parse(pod.metadata.deletionTimestamp ?? '') <= nowMs;
    if (nodeName === '' && isTerminating(pod)) remove.push(pod);
    else if (nodeName !== '' && node === undefined) orphans.push(pod);
    else if (node !== undefined && graceOver && isUnreachable(node)) remove.push(pod);
    else if (isTerminal(pod) && !isTerminating(pod)) ended.push(pod);
  }
  const surplus = ended
    .toSorted((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp))
    .slice(0, Math.max(0, ended.length - terminatedMax));
  return { remove: [...remove, ...surplus], orphans };
}
