import { componentStatuses } from './kinds/component-status.js';
import { configMaps } from './kinds/config-map.js';
import { deployments } from './kinds/deployment.js';
import { endpointSlices } from './kinds/endpoint-slice.js';
import { events } from './kinds/event.js';
import { leases } from './kinds/lease.js';
import { namespaces } from './kinds/namespace.js';
import { nodes } from './kinds/node/node.js';
import { pods } from './kinds/pod/pod.js';
import { replicaSets } from './kinds/replica-set.js';
import { secrets } from './kinds/secret.js';
import { serviceAccounts } from './kinds/service-account.js';
import { services } from './kinds/service.js';
import { apiVersionOf, type Resource } from './resource.js';

/** Every kind that is served. ComponentStatus is computed on reading and never stored. */
export const resources: readonly Resource[] = [
  componentStatuses,
  configMaps,
  events,
  namespaces,
  nodes,
  pods,
  secrets,
  serviceAccounts,
  services,
  deployments,
  replicaSets,
  leases,
  endpointSlices,
];

const byPlural = new Map(resources.map((it) => [`${it.group}/${it.version}/${it.plural}`, it]));
const byKind = new Map(resources.map((it) => [`${apiVersionOf(it)}/${it.kind}`, it]));

/** The resource behind a path such as /apis/apps/v1/…/deployments; `group` is empty for the core group. */
export const findResource = (group: string, version: string, plural: string): Resource | undefined =>
  byPlural.get(`${group}/${version}/${plural}`);

/** The resource of a manifest's `apiVersion` ("v1", "apps/v1") and `kind`. */
export const resourceOfKind = (apiVersion: string, kind: string): Resource | undefined =>
  byKind.get(`${apiVersion}/${kind}`);
