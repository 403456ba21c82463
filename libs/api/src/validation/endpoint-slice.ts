import type { Endpoint, EndpointPort, EndpointSlice } from '../kinds/endpoint-slice.js';
import {
  duplicate,
  invalidValue,
  notSupported,
  required,
  tooMany,
  type FieldError,
} from '../status/index.js';
import {
  dns1123Label,
  dns1123Subdomain,
  ipAddress,
  isIPv4,
  isIPv6,
  portNumber,
  qualifiedName,
} from './formats.js';
import { child, each, keyed, mustBe, repeated, when } from './path.js';
import { immutable, validateLabels } from './metadata.js';

const ENDPOINTS_MAX = 1000;
const PORTS_MAX = 20_000;
const ADDRESSES_MAX = 100;

type AddressType = EndpointSlice['addressType'];

const validateAddress = (address: string, path: string, type: AddressType): readonly FieldError[] => {
  switch (type) {
    case 'IPv4':
      return isIPv6(address)
        ? [invalidValue(path, address, 'must be an IPv4 address')]
        : mustBe(ipAddress, address, path);
    case 'IPv6':
      return isIPv4(address)
        ? [invalidValue(path, address, 'must be an IPv6 address')]
        : mustBe(ipAddress, address, path);
    case 'FQDN':
      return mustBe(dns1123Subdomain, address, path);
  }
};

const validateEndpoint = (
  endpoint: Partial<Endpoint>,
  path: string,
  type: AddressType,
): readonly FieldError[] => {
  const at = child(path, 'addresses');
  const { addresses = [], hostname, nodeName, deprecatedTopology } = endpoint;
  return [
    ...when(addresses.length === 0, () => required(at, 'must contain at least 1 address')),
    ...when(addresses.length > ADDRESSES_MAX, () => tooMany(at, addresses.length, ADDRESSES_MAX)),
    ...each(addresses, at, (address, at) => validateAddress(address, at, type)),
    ...(hostname === undefined ? [] : mustBe(dns1123Label, hostname, child(path, 'hostname'))),
    ...(nodeName === undefined ? [] : mustBe(dns1123Subdomain, nodeName, child(path, 'nodeName'))),
    ...validateLabels(deprecatedTopology, child(path, 'deprecatedTopology')),
  ];
};

const validatePort = ({ name, port, protocol, appProtocol }: EndpointPort, path: string) => [
  ...(name === undefined || name === '' ? [] : mustBe(dns1123Label, name, child(path, 'name'))),
  ...(port === undefined
    ? []
    : portNumber(port).map((said) => invalidValue(child(path, 'port'), port, said))),
  ...when(protocol === undefined, () => required(child(path, 'protocol'))),
  ...(appProtocol === undefined ? [] : mustBe(qualifiedName, appProtocol, child(path, 'appProtocol'))),
];

export const validateEndpointSlice = (slice: EndpointSlice): readonly FieldError[] => {
  const { addressType, endpoints, ports } = slice;
  if (addressType !== 'IPv4' && addressType !== 'IPv6' && addressType !== 'FQDN')
    return [
      addressType === undefined
        ? required('addressType')
        : notSupported('addressType', addressType, ['FQDN', 'IPv4', 'IPv6']),
    ];
  return [
    ...when((endpoints ?? []).length > ENDPOINTS_MAX, () =>
      tooMany('endpoints', (endpoints ?? []).length, ENDPOINTS_MAX),
    ),
    ...each(endpoints, 'endpoints', (endpoint, at) => validateEndpoint(endpoint, at, addressType)),
    ...when((ports ?? []).length > PORTS_MAX, () => tooMany('ports', (ports ?? []).length, PORTS_MAX)),
    ...each(ports, 'ports', validatePort),
    ...repeated(ports, ({ name }) => name ?? '').map(({ index, text }) =>
      duplicate(child(keyed('ports', index), 'name'), text),
    ),
  ];
};

export const validateEndpointSliceUpdate = (
  slice: EndpointSlice,
  old: EndpointSlice,
): readonly FieldError[] => immutable(slice.addressType, old.addressType, 'addressType');
