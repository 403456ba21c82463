import type { Container, Pod, ResourceFieldSelector } from '@raftsman/api';
import { nanoUnits } from '../quantity.js';
import { ContainerConfigError } from './config-error.js';

/** What of a pod is known only once it has a place and an address. */
export interface PodFacts {
  readonly nodeName: string;
  readonly hostIp: string;
  readonly podIps: readonly string[];
  /** What a container without limits may use: cores, bytes. */
  readonly allocatable: Readonly<Record<string, number>>;
}

/** The downward API's fields: https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#available-fields. Pure. */
export function fieldValue(pod: Pod, fieldPath: string, facts: PodFacts): string {
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const map = subscript[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[subscript[2]!] ?? '';
  }
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name ?? '';
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(pod.metadata.labels);
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations);
    case 'spec.nodeName':
      return facts.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs':
      return facts.hostIp;
    case 'status.podIP':
      return facts.podIps[0] ?? '';
    case 'status.podIPs':
      return facts.podIps.join(',');
    default:
      throw new ContainerConfigError(`unsupported fieldPath: ${fieldPath}`);
  }
}

const formatMap = (map: Readonly<Record<string, string>> = {}): string =>
  Object.entries(map)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');

/** A container's request or limit, divided by `divisor` and rounded up; a limit that is not set is the node's allocatable. Pure. */
export function resourceFieldValue(
  pod: Pod,
  own: Container | undefined,
  selector: ResourceFieldSelector,
  facts: PodFacts,
): string {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const container =
    selector.containerName === undefined ? own : all.find(({ name }) => name === selector.containerName);
  const [side, resource] = selector.resource.split(/\.(.*)/s);
  if (container === undefined || resource === undefined || (side !== 'limits' && side !== 'requests'))
    throw new ContainerConfigError(`unsupported container resource: ${selector.resource}`);
  const set = container.resources?.[side]?.[resource];
  const nanos =
    set === undefined && side === 'limits'
      ? BigInt(Math.round((facts.allocatable[resource] ?? 0) * 1e9))
      : nanoUnits(set);
  const divisor = nanoUnits(selector.divisor ?? '1') || 1_000_000_000n;
  return String((nanos + divisor - 1n) / divisor);
}
