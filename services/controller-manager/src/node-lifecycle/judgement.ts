import type { Node, NodeCondition, Pod, Taint, Toleration } from '@raftsman/api';
import type { Stored } from '@raftsman/client';
import { timestamp } from '../pods.js';

/** What follows for a node and its pods from what is known of it. Pure; times are milliseconds since 1970. */

export type Verdict = 'alive' | 'silent' | undefined;

export const unreachableKey = 'node.kubernetes.io/unreachable';
export const notReadyKey = 'node.kubernetes.io/not-ready';
const ownKeys: ReadonlySet<string> = new Set([unreachableKey, notReadyKey]);

const unknownReason = 'NodeStatusUnknown';

export const readyCondition = (node: Pick<Node, 'status'>): NodeCondition | undefined =>
  node.status?.conditions?.find(({ type }) => type === 'Ready');

export const isUnreachable = (node: Pick<Node, 'spec'>): boolean =>
  (node.spec?.taints ?? []).some(({ key, effect }) => key === unreachableKey && effect === 'NoExecute');

/**
 * Whether to hold back evictions: nodes that fall silent together are more likely cut off from us than dead. Counted are the nodes that
 * are heard and those that fell silent and were not dealt with yet; dead ones from before do not count.
 * 1. Nobody is heard any more: it is us (NATS and the network of this master), or there is nowhere to go anyway.
 * 2. More than `nodesMin` are silent and they are at least `share` of all. So two of three are evicted to the third.
 */
export function holdsBack(
  nodes: readonly { readonly verdict: Verdict; readonly handled: boolean }[],
  share: number,
  nodesMin: number,
): boolean {
  const silent = nodes.filter(({ verdict, handled }) => verdict === 'silent' && !handled).length;
  const heard = nodes.filter(({ verdict }) => verdict !== 'silent').length;
  if (silent === 0) return false;
  return heard === 0 || (silent > nodesMin && silent / (silent + heard) >= share);
}

/** The Ready condition as it should be; undefined: as it is. */
export function wantedReady(node: Stored<Node>, verdict: Verdict, nowMs: number): NodeCondition | undefined {
  const now = timestamp(nowMs);
  const before = readyCondition(node);
  if (verdict === 'silent' && before?.status !== 'Unknown') {
    return {
      type: 'Ready',
      status: 'Unknown',
      reason: unknownReason,
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: now,
      ...(before?.lastHeartbeatTime === undefined ? {} : { lastHeartbeatTime: before.lastHeartbeatTime }),
    };
  }
  // The agent writes its status only when it changes, so what was taken back for it has to be given back.
  if (verdict === 'alive' && before?.status === 'Unknown' && before.reason === unknownReason) {
    return {
      type: 'Ready',
      status: 'True',
      reason: 'KubeletReady',
      message: 'kubelet is posting ready status',
      lastTransitionTime: now,
      lastHeartbeatTime: now,
    };
  }
  return undefined;
}

/** The taints as they should be; undefined: as they are. `mayEvict`: false while evictions are held back. */
export function wantedTaints(node: Stored<Node>, mayEvict: boolean, nowMs: number): Taint[] | undefined {
  const taints = node.spec?.taints ?? [];
  const status = readyCondition(node)?.status;
  const key = status === 'Unknown' ? unreachableKey : status === 'False' ? notReadyKey : undefined;
  const has = (effect: Taint['effect']): boolean =>
    taints.some((each) => each.key === key && each.effect === effect);
  if (key === unreachableKey && !mayEvict && !has('NoExecute')) return undefined;
  const others = taints.filter((taint) => !ownKeys.has(taint.key));
  if (key === undefined) return others.length === taints.length ? undefined : others;
  const foreign = taints.some((taint) => ownKeys.has(taint.key) && taint.key !== key);
  if (!foreign && has('NoSchedule') && has('NoExecute')) return undefined;
  const before = taints.find((taint) => taint.key === key && taint.effect === 'NoExecute');
  const timeAdded = before?.timeAdded ?? timestamp(nowMs);
  return [...others, { key, effect: 'NoSchedule', timeAdded }, { key, effect: 'NoExecute', timeAdded }];
}

/** How long pods without a toleration of their own stay, in seconds. */
export interface DefaultTolerations {
  readonly notReadySeconds: number;
  readonly unreachableSeconds: number;
}

/** When a pod must leave its node because of NoExecute taints; undefined: it may stay. */
export function evictionAtMs(
  pod: Pick<Pod, 'spec'>,
  taints: readonly Taint[],
  defaults: DefaultTolerations,
): number | undefined {
  const times = taints
    .filter(({ effect }) => effect === 'NoExecute')
    .map((taint) => {
      const seconds = toleratedSeconds(pod.spec.tolerations ?? [], taint, defaults);
      const addedMs = Date.parse(taint.timeAdded ?? '') || 0;
      return seconds === undefined ? undefined : addedMs + seconds * 1_000;
    })
    .filter((atMs) => atMs !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** undefined: for ever. */
function toleratedSeconds(
  tolerations: readonly Toleration[],
  taint: Taint,
  defaults: DefaultTolerations,
): number | undefined {
  const matching = tolerations.filter((each) => tolerates(each, taint));
  if (matching.length === 0) {
    if (taint.key === unreachableKey) return defaults.unreachableSeconds;
    return taint.key === notReadyKey ? defaults.notReadySeconds : 0;
  }
  const limited = matching
    .map(({ tolerationSeconds }) => tolerationSeconds)
    .filter((each) => each !== undefined);
  return limited.length === 0 ? undefined : Math.max(0, Math.min(...limited));
}

function tolerates({ key = '', operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect !== undefined && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || (key !== '' && value === (taint.value ?? ''));
}
