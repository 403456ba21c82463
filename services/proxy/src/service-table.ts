import type { EndpointSlice, Service } from '@raftsman/api';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** One port of one Service, and the ready endpoints behind it. */
export interface ServicePort {
  /** "namespace/name:port". */
  readonly name: string;
  readonly clusterIPs: readonly string[];
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
  /** Seconds for which a client stays with its endpoint; null: no affinity. */
  readonly clientIPAffinitySeconds: number | null;
  /** Sorted, each once. */
  readonly endpoints: readonly Endpoint[];
}

type ServicePortSpec = NonNullable<NonNullable<Service['spec']>['ports']>[number];

/**
 * What the API says that should be reachable: a Service's permanent address and the endpoints that are ready, or, if none is, those that
 * still serve while they terminate (https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#serving). Sorted by name.
 */
export function serviceTable(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
): readonly ServicePort[] {
  const slicesByService = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const key = `${slice.metadata?.namespace}/${slice.metadata?.labels?.['kubernetes.io/service-name']}`;
    slicesByService.set(key, [...(slicesByService.get(key) ?? []), slice]);
  }
  return services
    .flatMap((service) => servicePorts(service, slicesByService))
    .sort((a, b) => compare(a.name, b.name));
}

function servicePorts(
  service: Service,
  slicesByService: ReadonlyMap<string, readonly EndpointSlice[]>,
): readonly ServicePort[] {
  const spec = service.spec;
  const key = `${service.metadata?.namespace}/${service.metadata?.name}`;
  const clusterIPs = spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP]);
  const routable = clusterIPs.filter((ip) => ip !== '' && ip !== 'None');
  if (spec === undefined || spec.type === 'ExternalName' || routable.length === 0) return [];
  const affinity =
    spec.sessionAffinity === 'ClientIP'
      ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800)
      : null;
  return (spec.ports ?? []).map((port) => ({
    name: `${key}:${port.name ?? port.port}`,
    clusterIPs: routable,
    protocol: (port.protocol ?? 'TCP') as ServicePort['protocol'],
    port: port.port,
    nodePort: port.nodePort ?? 0,
    clientIPAffinitySeconds: affinity,
    endpoints: endpointsOf(port, slicesByService.get(key) ?? []),
  }));
}

function endpointsOf(port: ServicePortSpec, slices: readonly EndpointSlice[]): readonly Endpoint[] {
  const ready = new Map<string, Endpoint>();
  const terminating = new Map<string, Endpoint>();
  for (const slice of slices) {
    const target = slice.ports?.find((one) => (one.name ?? '') === (port.name ?? ''))?.port;
    if (target === undefined || slice.addressType !== 'IPv4') continue;
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      const address = addresses[0];
      if (address === undefined) continue;
      if (conditions?.ready !== false) ready.set(`${address}:${target}`, { address, port: target });
      else if (conditions.serving === true && conditions.terminating === true)
        terminating.set(`${address}:${target}`, { address, port: target });
    }
  }
  const chosen = ready.size > 0 ? ready : terminating;
  return [...chosen].sort(([a], [b]) => compare(a, b)).map(([, endpoint]) => endpoint);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
