import { filterState, refusals } from './filters.js';
import type { NodeInfo, PodObject, Snapshot } from './node-info.js';
import { scoreNodes } from './scores.js';

export type Decision =
  | { readonly kind: 'node'; readonly node: string }
  /** `message`: why, in Kubernetes' words, as FailedScheduling tells it. */
  | { readonly kind: 'unschedulable'; readonly message: string };

/**
 * Where a pod goes: the best of the nodes that no filter refuses. `random`, from 0 to 1, decides between equals; the same snapshot and
 * the same random give the same node.
 */
export function schedulePod(pod: PodObject, snapshot: Snapshot, random: () => number): Decision {
  if (snapshot.nodes.length === 0)
    return { kind: 'unschedulable', message: 'no nodes available to schedule pods' };
  const state = filterState(pod, snapshot);
  const reasons = new Map<string, number>();
  const feasible: NodeInfo[] = [];
  for (const info of snapshot.nodes) {
    const refused = refusals(state, info);
    if (refused.length === 0) feasible.push(info);
    for (const reason of refused) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  if (feasible.length === 0)
    return { kind: 'unschedulable', message: fitError(snapshot.nodes.length, reasons) };
  return { kind: 'node', node: best(pod, feasible, snapshot, random).node.metadata.name };
}

function best(
  pod: PodObject,
  feasible: readonly NodeInfo[],
  snapshot: Snapshot,
  random: () => number,
): NodeInfo {
  const [first, ...others] = feasible;
  if (others.length === 0) return first!;
  const scores = scoreNodes(pod, feasible, snapshot);
  const highest = Math.max(...scores);
  const equals = feasible.filter((_, index) => scores[index] === highest);
  return equals[Math.min(equals.length - 1, Math.floor(random() * equals.length))]!;
}

/** "0/3 nodes are available: 1 Too many pods, 2 Insufficient cpu." */
function fitError(nodes: number, reasons: ReadonlyMap<string, number>): string {
  const told = [...reasons].map(([reason, count]) => `${count} ${reason}`).toSorted();
  return `0/${nodes} nodes are available: ${told.join(', ')}.`;
}
