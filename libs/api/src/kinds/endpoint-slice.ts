import { type Infer, atomicList, bool, int32, map, oneOf, opt, req, setList, str } from '../schema.js';
import { discoveryV1 } from './define.js';
import { age, ageColumn, column, defineResource, nameColumn } from './define-resource.js';
import { kindSchema, type KubeKind } from './kind.js';
import { objectReference } from './references.js';

export const forZone = discoveryV1('ForZone', {
  name: req(str()),
});
export type ForZone = Infer<typeof forZone>;

export const forNode = discoveryV1('ForNode', {
  name: req(str()),
});
export type ForNode = Infer<typeof forNode>;

export const endpointHints = discoveryV1('EndpointHints', {
  forNodes: opt(atomicList(forNode)),
  forZones: opt(atomicList(forZone)),
});
export type EndpointHints = Infer<typeof endpointHints>;

export const endpointConditions = discoveryV1('EndpointConditions', {
  ready: opt(bool()),
  serving: opt(bool()),
  terminating: opt(bool()),
});
export type EndpointConditions = Infer<typeof endpointConditions>;

export const endpoint = discoveryV1('Endpoint', {
  addresses: req(setList(str())),
  conditions: opt(endpointConditions),
  deprecatedTopology: opt(map(str())),
  hints: opt(endpointHints),
  hostname: opt(str()),
  nodeName: opt(str()),
  targetRef: opt(objectReference),
  zone: opt(str()),
});
export type Endpoint = Infer<typeof endpoint>;

export const endpointPort = discoveryV1(
  'EndpointPort',
  {
    appProtocol: opt(str()),
    name: opt(str({ default: '' })),
    port: opt(int32()),
    protocol: opt(oneOf(['TCP', 'UDP', 'SCTP'], { default: 'TCP' })),
  },
  { atomic: true },
);
export type EndpointPort = Infer<typeof endpointPort>;

export const endpointSliceSchema = kindSchema(
  'io.k8s.api.discovery.v1.EndpointSlice',
  'Some of the addresses behind a service, with their readiness.',
  {
    addressType: req(oneOf(['IPv4', 'IPv6', 'FQDN'])),
    endpoints: opt(atomicList(endpoint)),
    ports: opt(atomicList(endpointPort)),
  },
);
export type EndpointSlice = KubeKind<typeof endpointSliceSchema>;

/** As kubectl shortens lists: the first `countMax`, then how many more there are. */
const shortened = (items: readonly string[], countMax: number): string => {
  const more = items.length - countMax;
  return more > 0 ? `${items.slice(0, countMax).join(',')} + ${more} more...` : items.join(',');
};

export const endpointSlices = defineResource<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  schema: endpointSliceSchema,
  columns: [
    nameColumn,
    column('AddressType', 'IPv4, IPv6 or FQDN.'),
    column('Ports', 'The ports of every endpoint.'),
    column('Endpoints', 'The addresses.'),
    ageColumn,
  ],
  row: (object, now) => {
    const ports = (object.ports ?? []).map(({ port, name }) => port ?? (name === '' ? '*' : name) ?? '*');
    const addresses = (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
    return [
      object.metadata.name ?? '',
      object.addressType,
      ports.length === 0 ? '<unset>' : shortened(ports.map(String), 3),
      addresses.length === 0 ? '<unset>' : shortened(addresses, 3),
      age(object, now),
    ];
  },
});
