import { labelsText } from '../printing/selectors.js';
import {
  type Infer,
  atomicList,
  bool,
  int32,
  intOrString,
  map,
  mapList,
  oneOf,
  opt,
  req,
  str,
} from '../schema.js';
import { coreV1 } from './define.js';
import { age, ageColumn, column, defineResource, nameColumn, wideColumn } from './define-resource.js';
import { kindSchema, type KubeKind } from './kind.js';
import { condition } from './meta.js';

export const servicePort = coreV1('ServicePort', {
  port: req(int32()),
  appProtocol: opt(str()),
  name: opt(str()),
  nodePort: opt(int32()),
  protocol: opt(oneOf(['TCP', 'UDP', 'SCTP'], { default: 'TCP' })),
  targetPort: opt(intOrString()),
});
export type ServicePort = Infer<typeof servicePort>;

export const clientIPConfig = coreV1('ClientIPConfig', {
  timeoutSeconds: opt(int32()),
});
export type ClientIPConfig = Infer<typeof clientIPConfig>;

export const sessionAffinityConfig = coreV1('SessionAffinityConfig', {
  clientIP: opt(clientIPConfig),
});
export type SessionAffinityConfig = Infer<typeof sessionAffinityConfig>;

export const serviceSpec = coreV1('ServiceSpec', {
  allocateLoadBalancerNodePorts: opt(bool()),
  clusterIP: opt(str()),
  clusterIPs: opt(atomicList(str())),
  externalIPs: opt(atomicList(str())),
  externalName: opt(str()),
  externalTrafficPolicy: opt(oneOf(['Cluster', 'Local'])),
  healthCheckNodePort: opt(int32()),
  internalTrafficPolicy: opt(oneOf(['Cluster', 'Local'])),
  ipFamilies: opt(atomicList(oneOf(['IPv4', 'IPv6']))),
  ipFamilyPolicy: opt(oneOf(['SingleStack', 'PreferDualStack', 'RequireDualStack'])),
  loadBalancerClass: opt(str()),
  loadBalancerIP: opt(str()),
  loadBalancerSourceRanges: opt(atomicList(str())),
  ports: opt(mapList(servicePort, ['port', 'protocol'])),
  publishNotReadyAddresses: opt(bool()),
  selector: opt(map(str(), { atomic: true })),
  sessionAffinity: opt(oneOf(['None', 'ClientIP'], { default: 'None' })),
  sessionAffinityConfig: opt(sessionAffinityConfig),
  trafficDistribution: opt(str()),
  type: opt(oneOf(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'], { default: 'ClusterIP' })),
});
export type ServiceSpec = Infer<typeof serviceSpec>;

export const portStatus = coreV1('PortStatus', {
  port: req(int32()),
  protocol: req(oneOf(['TCP', 'UDP', 'SCTP'])),
  error: opt(str()),
});
export type PortStatus = Infer<typeof portStatus>;

export const loadBalancerIngress = coreV1('LoadBalancerIngress', {
  hostname: opt(str()),
  ip: opt(str()),
  ipMode: opt(oneOf(['VIP', 'Proxy'])),
  ports: opt(atomicList(portStatus)),
});
export type LoadBalancerIngress = Infer<typeof loadBalancerIngress>;

export const loadBalancerStatus = coreV1('LoadBalancerStatus', {
  ingress: opt(atomicList(loadBalancerIngress)),
});
export type LoadBalancerStatus = Infer<typeof loadBalancerStatus>;

export const serviceStatus = coreV1('ServiceStatus', {
  conditions: opt(mapList(condition, ['type'])),
  loadBalancer: opt(loadBalancerStatus),
});
export type ServiceStatus = Infer<typeof serviceStatus>;

export const serviceSchema = kindSchema(
  'io.k8s.api.core.v1.Service',
  'A lasting address that balances over the ready pods behind it.',
  {
    spec: opt(serviceSpec, 'What is wanted.'),
    status: opt(serviceStatus, 'What was last observed.'),
  },
);
export type Service = KubeKind<typeof serviceSchema>;

const NONE = '<none>';

const portText = ({ port, nodePort = 0, protocol = 'TCP' }: ServicePort): string =>
  nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;

const externalAddressText = ({ spec, status }: Service): string => {
  if (spec.type === 'ExternalName') return spec.externalName ?? '';
  const external = spec.externalIPs ?? [];
  if (spec.type !== 'LoadBalancer') return external.join(',') || NONE;
  const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []);
  return [...[...new Set(ingress)].toSorted(), ...external].join(',') || '<pending>';
};

export const services = defineResource<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status'],
  schema: serviceSchema,
  columns: [
    nameColumn,
    column('Type', 'How far it is reachable.'),
    column('Cluster-IP', 'Its address within the cluster.'),
    column('External-IP', 'Its addresses from outside.'),
    column('Port(s)', 'Port, node port and protocol.'),
    ageColumn,
    wideColumn('Selector', 'The labels of the pods behind it.'),
  ],
  row: (service, now) => [
    service.metadata.name ?? '',
    service.spec.type ?? '',
    service.spec.clusterIPs?.[0] || service.spec.clusterIP || NONE,
    externalAddressText(service),
    (service.spec.ports ?? []).map(portText).join(',') || NONE,
    age(service, now),
    labelsText(service.spec.selector),
  ],
});
