import { resources, type Resource } from '@raftsman/api';
import {
  byControllerUid,
  byLabel,
  byNamespace,
  byNode,
  byOwnerUid,
  createInformer,
  kinds,
  type ApiClient,
  type Clock,
  type Indexes,
  type Informer,
  type ObjectLike,
  type Stored,
  type TypedResource,
} from '@raftsman/client';
import type { Logger } from '@raftsman/telemetry';

export const serviceNameLabel = 'kubernetes.io/service-name';

/** Objects of a namespace that no controller manages: candidates for adoption. */
const orphansByNamespace = (object: Stored<ObjectLike>): readonly string[] =>
  byControllerUid(object).length === 0 ? byNamespace(object) : [];

const owned = { controller: byControllerUid, orphan: orphansByNamespace, namespace: byNamespace };

/** Objects that nobody owns by reference and that change all the time: the garbage collector does not follow them. */
const unfollowed = new Set(['events', 'leases']);

export function createInformers(client: ApiClient, logger: Logger, clock: Clock) {
  const all: { resource: Resource; informer: Informer<ObjectLike> }[] = [];
  const of = <T extends ObjectLike>(resource: TypedResource<T>, indexes: Indexes<T> = {}): Informer<T> => {
    const informer = createInformer<T>({
      client: client.of(resource),
      indexes: { owner: byOwnerUid, ...indexes },
      logger: logger.child({ informer: resource.plural }),
      clock,
    });
    const full = resources.find(
      ({ plural, group }) => plural === resource.plural && group === resource.group,
    )!;
    all.push({ resource: full, informer: informer as unknown as Informer<ObjectLike> });
    return informer;
  };
  const named = {
    pods: of(kinds.pods, { ...owned, node: byNode }),
    nodes: of(kinds.nodes),
    services: of(kinds.services, { namespace: byNamespace }),
    endpointSlices: of(kinds.endpointSlices, { service: byLabel(serviceNameLabel) }),
    deployments: of(kinds.deployments, { namespace: byNamespace }),
    replicaSets: of(kinds.replicaSets, owned),
    namespaces: of(kinds.namespaces),
    serviceAccounts: of(kinds.serviceAccounts),
    configMaps: of(kinds.configMaps),
  };
  for (const resource of resources) {
    const followed = all.some((each) => each.resource === resource) || unfollowed.has(resource.plural);
    if (!followed && resource.verbs.includes('watch')) of(resource);
  }
  return { ...named, all };
}

export type Informers = ReturnType<typeof createInformers>;
