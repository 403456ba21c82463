import { interPodRefusal, interPodState, type InterPodState } from './inter-pod.js';
import { hostPortsOf, type HostPort, type NodeInfo, type PodObject, type Snapshot } from './node-info.js';
import { podRequests, type Amounts } from './resources.js';
import { matchesNode } from './selectors.js';
import { untolerated } from './taints.js';
import { spreadRefusal, spreadState, type SpreadState } from './topology-spread.js';

/** What the filters need to know of a pod, worked out once for all nodes. */
export interface FilterState {
  readonly pod: PodObject;
  readonly requests: Amounts;
  readonly hostPorts: readonly HostPort[];
  readonly spread: SpreadState;
  readonly interPod: InterPodState;
}

export function filterState(pod: PodObject, snapshot: Snapshot): FilterState {
  return {
    pod,
    requests: podRequests(pod),
    hostPorts: hostPortsOf(pod),
    spread: spreadState(pod, snapshot),
    interPod: interPodState(pod, snapshot),
  };
}

/** Why a pod cannot be on a node, in Kubernetes' words; empty: it can. */
type Filter = (state: FilterState, info: NodeInfo) => readonly string[];

const unschedulableTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;

const one = (reason: string | undefined): readonly string[] => (reason === undefined ? [] : [reason]);

/** In Kubernetes' order: the first that refuses is the one that is told. */
const filters: readonly Filter[] = [
  ({ pod }, { node }) => {
    const tolerated =
      untolerated([unschedulableTaint], pod.spec.tolerations ?? [], 'NoSchedule') === undefined;
    return node.spec?.unschedulable === true && !tolerated ? ['node(s) were unschedulable'] : [];
  },
  ({ pod }, { node }) => {
    const wanted = pod.spec.nodeName ?? '';
    return wanted !== '' && wanted !== node.metadata.name
      ? ["node(s) didn't match the requested node name"]
      : [];
  },
  ({ pod }, { node }) => {
    const taint = untolerated(node.spec?.taints ?? [], pod.spec.tolerations ?? [], 'NoSchedule', 'NoExecute');
    return taint === undefined ? [] : [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  },
  ({ pod }, { node }) =>
    matchesNode(pod, node) ? [] : ["node(s) didn't match Pod's node affinity/selector"],
  ({ hostPorts }, { pods }) => {
    const taken = [...pods.values()].flatMap((each) => each.hostPorts);
    const clash = hostPorts.some((wanted) => taken.some((other) => portsClash(wanted, other)));
    return clash ? ["node(s) didn't have free ports for the requested pod ports"] : [];
  },
  ({ requests }, info) => insufficient(requests, info),
  ({ spread }, info) => one(spreadRefusal(spread, info)),
  ({ interPod }, info) => one(interPodRefusal(interPod, info)),
];

export function refusals(state: FilterState, info: NodeInfo): readonly string[] {
  for (const filter of filters) {
    const reasons = filter(state, info);
    if (reasons.length > 0) return reasons;
  }
  return [];
}

const portsClash = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port &&
  a.protocol === b.protocol &&
  (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0');

function insufficient(requests: Amounts, { allocatable, requested, pods }: NodeInfo): string[] {
  const reasons: string[] = [];
  if (pods.size + 1 > (allocatable.get('pods') ?? 0)) reasons.push('Too many pods');
  for (const [resource, amount] of requests) {
    const free = (allocatable.get(resource) ?? 0) - (requested.get(resource) ?? 0);
    if (amount > 0 && amount > free) reasons.push(`Insufficient ${resource}`);
  }
  return reasons;
}
