import { parseBytes, parseCpuMillis, type Node, type Pod } from '@raftsman/api';

/** Amounts by resource name: cpu in thousandths of a core, everything else in its own unit (bytes, pieces). */
export type Amounts = ReadonlyMap<string, number>;

/** For scores only: what a container that asks for nothing is taken to need (Kubernetes' defaults). */
const assumedCpuMillis = 100;
const assumedMemoryBytes = 200 * 1024 * 1024;

type Quantities = { readonly [resource: string]: string | number } | undefined;

const amountOf = (resource: string, quantity: string | number): number =>
  resource === 'cpu' ? parseCpuMillis(quantity) : parseBytes(quantity);

export function amounts(quantities: Quantities): Map<string, number> {
  return new Map(
    Object.entries(quantities ?? {}).map(([resource, quantity]) => [resource, amountOf(resource, quantity)]),
  );
}

export const allocatableOf = (node: Pick<Node, 'status'>): Amounts =>
  amounts(node.status?.allocatable ?? node.status?.capacity);

function addTo(total: Map<string, number>, more: Amounts): void {
  for (const [resource, amount] of more) total.set(resource, (total.get(resource) ?? 0) + amount);
}

function raiseTo(total: Map<string, number>, atLeast: Amounts): void {
  for (const [resource, amount] of atLeast) {
    if (amount > (total.get(resource) ?? 0)) total.set(resource, amount);
  }
}

/**
 * What a pod needs at its neediest moment: its containers together, or an init container with the sidecars that started before
 * it, whichever is more of each resource; plus overhead. https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
 */
export function podRequests(pod: Pick<Pod, 'spec'>, assumed = false): Amounts {
  const { containers, initContainers = [], overhead } = pod.spec;
  const requestsOf = (container: (typeof containers)[number]): Map<string, number> => {
    const requests = amounts(container.resources?.requests);
    if (assumed && !requests.has('cpu')) requests.set('cpu', assumedCpuMillis);
    if (assumed && !requests.has('memory')) requests.set('memory', assumedMemoryBytes);
    return requests;
  };
  const sidecars = new Map<string, number>();
  const peak = new Map<string, number>();
  for (const container of initContainers) {
    const requests = requestsOf(container);
    addTo(requests, sidecars);
    raiseTo(peak, requests);
    if (container.restartPolicy === 'Always') addTo(sidecars, requestsOf(container));
  }
  const total = new Map(sidecars);
  for (const container of containers) addTo(total, requestsOf(container));
  raiseTo(total, peak);
  addTo(total, amounts(overhead));
  return total;
}
