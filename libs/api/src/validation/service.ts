import type { Service, ServicePort, ServiceSpec } from '../kinds/service.js';
import { duplicate, forbiddenField, invalidValue, required, type FieldError } from '../status/index.js';
import { cidr, dns1123Label, dns1123Subdomain, ipAddress, portNumber } from './formats.js';
import { validateLabels } from './metadata.js';
import { child, each, isAbsent, keyed, mustBe, repeated, when } from './path.js';
import { validatePortOrName } from './pod/probes.js';

const AFFINITY_SECONDS_MAX = 86_400;
const NONE = 'None';

const isHeadless = ({ clusterIP, clusterIPs }: ServiceSpec): boolean =>
  clusterIP === NONE || clusterIPs?.[0] === NONE;

const isNodePortable = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer';
const isReachableFromOutside = (spec: ServiceSpec): boolean =>
  isNodePortable(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);

const validatePort = (port: ServicePort, path: string, spec: ServiceSpec): readonly FieldError[] => {
  const isNamed = (spec.ports ?? []).length > 1;
  const isNodePortSet = (port.nodePort ?? 0) !== 0;
  return [
    ...(isAbsent(port.name) || port.name === undefined
      ? when(isNamed, () => required(child(path, 'name')))
      : mustBe(dns1123Label, port.name, child(path, 'name'))),
    ...portNumber(port.port ?? 0).map((said) => invalidValue(child(path, 'port'), port.port ?? 0, said)),
    ...when(isAbsent(port.protocol), () => required(child(path, 'protocol'))),
    ...(isHeadless(spec) || port.targetPort === undefined
      ? []
      : validatePortOrName(port.targetPort, child(path, 'targetPort'))),
    ...when(isNodePortSet && !isNodePortable(spec), () =>
      forbiddenField(child(path, 'nodePort'), `may not be used when \`type\` is '${spec.type}'`),
    ),
    ...(isNodePortSet
      ? portNumber(port.nodePort ?? 0).map((said) =>
          invalidValue(child(path, 'nodePort'), port.nodePort, said),
        )
      : []),
  ];
};

const validatePorts = (spec: ServiceSpec): readonly FieldError[] => {
  const path = 'spec.ports';
  const { ports } = spec;
  return [
    ...when((ports ?? []).length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName', () =>
      required(path),
    ),
    ...each(ports, path, (port, at) => validatePort(port, at, spec)),
    ...repeated(ports, ({ name }) => name || undefined).map(({ index, text }) =>
      duplicate(child(keyed(path, index), 'name'), text),
    ),
    ...repeated(ports, ({ port, protocol }) => `${protocol}/${port}`).map(({ index, item }) =>
      duplicate(keyed(path, index), { protocol: item.protocol, port: item.port }),
    ),
    ...repeated(ports, ({ nodePort, protocol }) => (nodePort ? `${protocol}/${nodePort}` : undefined)).map(
      ({ index, item }) => duplicate(child(keyed(path, index), 'nodePort'), item.nodePort),
    ),
  ];
};

const validateClusterIPs = (spec: ServiceSpec): readonly FieldError[] => {
  const path = 'spec.clusterIPs';
  const addresses = spec.clusterIPs ?? (isAbsent(spec.clusterIP) ? [] : [spec.clusterIP ?? '']);
  const [first] = addresses;
  if (spec.type === 'ExternalName')
    return when(!isAbsent(first), () =>
      forbiddenField(keyed(path, 0), "may not be set when `type` is 'ExternalName'"),
    );
  return [
    ...when(first === NONE && isNodePortable(spec), () =>
      invalidValue(keyed(path, 0), NONE, `may not be set to 'None' for ${spec.type} services`),
    ),
    ...when(spec.clusterIPs !== undefined && !isAbsent(spec.clusterIP) && spec.clusterIP !== first, () =>
      invalidValue(path, spec.clusterIPs, 'first value must match `clusterIP`'),
    ),
    ...when(addresses.length > 1 && addresses.includes(NONE), () =>
      invalidValue(path, addresses, "'None' must be the first and only value"),
    ),
    ...each(addresses, path, (address, at) =>
      address === NONE || address === '' ? [] : mustBe(ipAddress, address, at),
    ),
  ];
};

const validateExternal = (spec: ServiceSpec): readonly FieldError[] => [
  ...(spec.type === 'ExternalName'
    ? isAbsent(spec.externalName)
      ? [required('spec.externalName')]
      : mustBe(dns1123Subdomain, (spec.externalName ?? '').replace(/\.$/, ''), 'spec.externalName')
    : []),
  ...each(spec.externalIPs, 'spec.externalIPs', (address, at) => mustBe(ipAddress, address, at)),
  ...each(spec.loadBalancerSourceRanges, 'spec.loadBalancerSourceRanges', (range, at) =>
    mustBe(cidr, range.trim(), at),
  ),
  ...when((spec.loadBalancerSourceRanges ?? []).length > 0 && spec.type !== 'LoadBalancer', () =>
    forbiddenField('spec.loadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'"),
  ),
  ...when(!isAbsent(spec.externalTrafficPolicy) && !isReachableFromOutside(spec), () =>
    invalidValue(
      'spec.externalTrafficPolicy',
      spec.externalTrafficPolicy,
      'may only be set for externally-accessible services',
    ),
  ),
  ...when(spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== 'LoadBalancer', () =>
    forbiddenField('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'"),
  ),
];

const validateAffinity = ({
  sessionAffinity,
  sessionAffinityConfig: config,
}: ServiceSpec): readonly FieldError[] => {
  const seconds = config?.clientIP?.timeoutSeconds;
  return [
    ...when(sessionAffinity === 'None' && config !== undefined, () =>
      forbiddenField('spec.sessionAffinityConfig', 'must not be set when session affinity is None'),
    ),
    ...when(seconds !== undefined && (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX), () =>
      invalidValue(
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
        seconds,
        `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`,
      ),
    ),
  ];
};

export const validateService = ({ spec }: Service): readonly FieldError[] => [
  ...validatePorts(spec),
  ...validateLabels(spec.selector, 'spec.selector'),
  ...validateAffinity(spec),
  ...validateClusterIPs(spec),
  ...validateExternal(spec),
];

/** Clients remember the address: once given it stays, unless the service becomes or ceases to be a mere name. */
export const validateServiceUpdate = ({ spec }: Service, { spec: old }: Service): readonly FieldError[] => {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return [];
  const path = keyed('spec.clusterIPs', 0);
  const before = old.clusterIPs?.[0] ?? old.clusterIP;
  const after = spec.clusterIPs?.[0] ?? spec.clusterIP;
  if (isAbsent(before)) return [];
  return isAbsent(after)
    ? [invalidValue(path, after ?? '', 'primary clusterIP can not be unset')]
    : when(after !== before, () => invalidValue(path, after, 'may not change once set'));
};
