import { containerResourceDefaults, podSpecDefaults } from './kinds/pod/defaults.js';
import { deploymentStrategy, type Deployment } from './kinds/deployment.js';
import type { Namespace } from './kinds/namespace.js';
import type { Node } from './kinds/node/node.js';
import type { Pod } from './kinds/pod/pod.js';
import type { ReplicaSet } from './kinds/replica-set.js';
import type { Secret } from './kinds/secret.js';
import type { Service } from './kinds/service.js';
import type { KubeObject, Resource } from './resource.js';
import { fillDefaults, withSchemaDefaults } from './schema-defaults.js';

const podDefaults = (pod: Pod): void => {
  podSpecDefaults(pod.spec);
  pod.spec.enableServiceLinks ??= true;
  for (const container of [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])])
    containerResourceDefaults(container);
};

const deploymentDefaults = ({ spec }: Deployment): void => {
  spec.strategy ??= {};
  fillDefaults(deploymentStrategy, spec.strategy);
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {};
    fillDefaults(deploymentStrategy, spec.strategy);
  }
  if (spec.template?.spec !== undefined) podSpecDefaults(spec.template.spec);
};

const replicaSetDefaults = ({ spec }: ReplicaSet): void => {
  if (spec.template?.spec !== undefined) podSpecDefaults(spec.template.spec);
};

const CLIENT_IP_AFFINITY_SECONDS = 10_800;

const isReachableFromOutside = ({ type, externalIPs }: Service['spec']): boolean =>
  type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && (externalIPs?.length ?? 0) > 0);

const serviceDefaults = ({ spec }: Service): void => {
  for (const port of spec.ports ?? [])
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '')
      port.targetPort = port.port;
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= CLIENT_IP_AFFINITY_SECONDS;
  }
  if (isReachableFromOutside(spec)) spec.externalTrafficPolicy ??= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
};

const namespaceDefaults = ({ metadata }: Namespace): void => {
  if (metadata.name !== undefined && metadata.name !== '')
    metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
};

/** `stringData` is for writing only: it goes into `data`. */
const secretDefaults = (secret: Secret): void => {
  if (secret.stringData === undefined) return;
  const encoded = Object.entries(secret.stringData).map(([key, value]) => [key, base64Of(value)]);
  secret.data = Object.fromEntries([...Object.entries(secret.data ?? {}), ...encoded]);
  delete secret.stringData;
};

const nodeDefaults = ({ status }: Node): void => {
  if (status?.capacity !== undefined) status.allocatable ??= { ...status.capacity };
};

type Defaults = (object: KubeObject) => void;
const of = <T extends object>(defaults: (object: T) => void): Defaults => defaults as unknown as Defaults;

const CHUNK_BYTES = 8192;

/** Of the text's UTF-8 bytes. */
const base64Of = (text: string): string => {
  const bytes = new TextEncoder().encode(text);
  let binary = '';
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  return btoa(binary);
};

/** What hangs on more than the absence of one field; by apiVersion and kind. */
const contextual: ReadonlyMap<string, Defaults> = new Map([
  ['Pod', of(podDefaults)],
  ['Deployment', of(deploymentDefaults)],
  ['ReplicaSet', of(replicaSetDefaults)],
  ['Secret', of(secretDefaults)],
  ['Service', of(serviceDefaults)],
  ['Namespace', of(namespaceDefaults)],
  ['Node', of(nodeDefaults)],
]);

/**
 * A copy of a decoded object with Kubernetes' defaults in what it leaves open, `spec` included where its kind has one.
 * To be applied after every patch and before validation; applying it twice changes nothing.
 */
export const applyDefaults = (resource: Resource, object: KubeObject): KubeObject => {
  const copy = withSchemaDefaults(resource.schema, {
    ...object,
    metadata: object.metadata ?? {},
    ...(Object.hasOwn(resource.schema.properties, 'spec') ? { spec: object['spec'] ?? {} } : {}),
  }) as KubeObject;
  contextual.get(resource.kind)?.(copy);
  return copy;
};
