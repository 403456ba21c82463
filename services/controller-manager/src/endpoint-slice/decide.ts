import { semanticEqual, type Endpoint, type EndpointSlice, type Service } from '@raftsman/api';
import type { Stored } from '@raftsman/client';
import { serviceNameLabel } from '../informers.js';
import { controllerReference } from '../ownership.js';
import type { EndpointGroup } from './desired.js';

export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const managedBy = 'endpointslice-controller.k8s.io';
const headlessLabel = 'service.kubernetes.io/headless';

export interface SliceChanges {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly Stored<EndpointSlice>[];
  readonly remove: readonly Stored<EndpointSlice>[];
}

/**
 * The fewest writes from the slices that are to the groups that should be. An endpoint stays in the slice that holds it; new ones
 * fill the free room, then new slices; a slice that empties goes, unless its group has nothing else to stand for it.
 */
export function decideSlices(
  service: Stored<Service>,
  existing: readonly Stored<EndpointSlice>[],
  groups: readonly EndpointGroup[],
  endpointsMax: number,
): SliceChanges {
  const unclaimed = new Set(existing);
  const changes = { create: [] as EndpointSlice[], update: [] as Stored<EndpointSlice>[] };
  for (const group of groups) {
    const slices = existing.filter(
      (slice) => slice.addressType === group.addressType && semanticEqual(slice.ports, group.ports),
    );
    for (const slice of slices) unclaimed.delete(slice);
    const { contents, overflow } = distribute(slices, group, endpointsMax);
    const empty = contents.filter(({ endpoints }) => endpoints.length === 0);
    // One slice says that there is nothing.
    const spare = empty.length === slices.length && overflow.length === 0 ? empty.slice(1) : empty;
    for (const { slice } of spare) unclaimed.add(slice);
    for (const { slice, endpoints } of contents) {
      if (spare.some((each) => each.slice === slice)) continue;
      const wanted = { ...slice, metadata: { ...slice.metadata, labels: sliceLabels(service) }, endpoints };
      const same =
        semanticEqual(wanted.endpoints, slice.endpoints) && semanticEqual(wanted.metadata, slice.metadata);
      if (!same) changes.update.push(wanted);
    }
    const first = slices.length === 0 && overflow.length === 0 ? [[]] : chunks(overflow, endpointsMax);
    for (const endpoints of first) changes.create.push(newSlice(service, group, endpoints));
  }
  return { ...changes, remove: [...unclaimed] };
}

function distribute(
  slices: readonly Stored<EndpointSlice>[],
  group: EndpointGroup,
  endpointsMax: number,
): { contents: { slice: Stored<EndpointSlice>; endpoints: Endpoint[] }[]; overflow: Endpoint[] } {
  const waiting = new Map(group.endpoints.map((endpoint) => [idOf(endpoint), endpoint]));
  const contents = slices.map((slice) => {
    const kept = (slice.endpoints ?? []).flatMap((before) => {
      const now = waiting.get(idOf(before));
      waiting.delete(idOf(before));
      return now === undefined ? [] : [now];
    });
    return { slice, endpoints: kept };
  });
  const overflow = [...waiting.values()];
  for (const { endpoints } of contents.toSorted((a, b) => b.endpoints.length - a.endpoints.length)) {
    endpoints.push(...overflow.splice(0, Math.max(0, endpointsMax - endpoints.length)));
  }
  return { contents, overflow };
}

const idOf = ({ targetRef, addresses }: Endpoint): string => `${targetRef?.uid ?? ''}/${addresses.join(',')}`;

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function sliceLabels(service: Stored<Service>): { [key: string]: string } {
  const headless = service.spec.clusterIP === 'None';
  return {
    ...service.metadata.labels,
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: managedBy,
    ...(headless ? { [headlessLabel]: '' } : {}),
  };
}

function newSlice(service: Stored<Service>, group: EndpointGroup, endpoints: Endpoint[]): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: service.metadata.namespace!,
      generateName: `${service.metadata.name}-`,
      labels: sliceLabels(service),
      ownerReferences: [controllerReference(service)],
    },
    addressType: group.addressType,
    ports: [...group.ports],
    endpoints,
  };
}
