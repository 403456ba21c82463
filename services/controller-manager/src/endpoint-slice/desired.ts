import type { Endpoint, EndpointPort, Node, Pod, Service, ServicePort } from '@raftsman/api';
import type { Stored } from '@raftsman/client';
import { isReady, isTerminal, isTerminating } from '../pods.js';

/** Which endpoints a Service has. Pure. */

export type AddressType = 'IPv4' | 'IPv6';

/** Endpoints that share their ports: pods may give a named port different numbers. */
export interface EndpointGroup {
  readonly addressType: AddressType;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

const zoneLabel = 'topology.kubernetes.io/zone';

/** A group for each address family and set of ports; at least one for each family, without endpoints if there are none. */
export function desiredGroups(
  service: Stored<Service>,
  pods: readonly Stored<Pod>[],
  nodeOf: (name: string) => Stored<Node> | undefined,
): EndpointGroup[] {
  const families: readonly AddressType[] = service.spec.ipFamilies ?? ['IPv4'];
  return families.flatMap((addressType) => {
    const groups = new Map<string, { ports: EndpointPort[]; endpoints: Endpoint[] }>();
    for (const pod of pods) {
      const address = addressOf(pod, addressType);
      if (address === undefined || isTerminal(pod)) continue;
      const ports = endpointPorts(service, pod);
      const key = JSON.stringify(ports);
      const group = groups.get(key) ?? { ports, endpoints: [] };
      group.endpoints.push(endpointOf(service, pod, address, nodeOf(pod.spec.nodeName ?? '')));
      groups.set(key, group);
    }
    if (groups.size === 0) groups.set('', { ports: [], endpoints: [] });
    return [...groups.values()].map((group) => ({ addressType, ...group }));
  });
}

function addressOf({ status }: Stored<Pod>, addressType: AddressType): string | undefined {
  const all = status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP === undefined ? [] : [status.podIP]);
  return all.find((ip) => ip !== '' && ip.includes(':') === (addressType === 'IPv6'));
}

function endpointOf(
  service: Stored<Service>,
  pod: Stored<Pod>,
  address: string,
  node: Stored<Node> | undefined,
): Endpoint {
  const serving = service.spec.publishNotReadyAddresses === true || isReady(pod);
  const terminating = isTerminating(pod);
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const zone = node?.metadata.labels?.[zoneLabel];
  const { hostname, subdomain, nodeName } = pod.spec;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname !== undefined && subdomain === service.metadata.name ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    targetRef: {
      kind: 'Pod',
      namespace: pod.metadata.namespace!,
      name: pod.metadata.name,
      uid: pod.metadata.uid,
    },
  };
}

/** The Service's ports as this pod answers them; a named port that the pod does not have is left out. */
function endpointPorts(service: Stored<Service>, pod: Stored<Pod>): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = targetPort(servicePort, pod);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

function targetPort(
  { port, protocol = 'TCP', targetPort: target }: ServicePort,
  pod: Stored<Pod>,
): number | undefined {
  if (target === undefined || target === 0 || target === '') return port;
  if (typeof target === 'number') return target;
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...pod.spec.containers, ...sidecars]
    .flatMap(({ ports = [] }) => ports)
    .find((each) => each.name === target && (each.protocol ?? 'TCP') === protocol)?.containerPort;
}
