import type { Endpoint, ServicePort } from './service-table.js';

/**
 * The whole of our table as one nftables transaction: packets see the old rules or the new ones. Pure.
 *
 *     prerouting, output (nat) → map service-ips / service-nodeports → chain of the Service port → one of its endpoints' chains → DNAT
 *     postrouting (nat)        → masquerade what an endpoint's chain marked
 *     forward, output, input (filter) → reject what goes to a Service port without endpoints
 *
 * `clusterCIDR`: pods' addresses; what comes from elsewhere is masqueraded, so that replies pass here again.
 */
export function nftRuleset(ports: readonly ServicePort[], clusterCIDR: string): string {
  const served = ports.filter((port) => port.endpoints.length > 0 && port.protocol !== 'SCTP');
  const empty = ports.filter((port) => port.endpoints.length === 0 && port.protocol !== 'SCTP');
  const names = new Map(served.map((port, i) => [port, `svc-${i}`]));
  const nodePorts = served.filter((port) => port.nodePort > 0);
  return [
    `table ip ${tableName}`,
    `delete table ip ${tableName}`,
    `table ip ${tableName} {`,
    ...map(
      'service-ips',
      'ipv4_addr . inet_proto . inet_service',
      served.flatMap((port) => ipElements(port, `: goto ${names.get(port)}`)),
    ),
    ...map(
      'service-nodeports',
      'inet_proto . inet_service',
      nodePorts.map((port) => `${proto(port)} . ${port.nodePort} : goto ${names.get(port)}`),
    ),
    ...set(
      'no-endpoints',
      'ipv4_addr . inet_proto . inet_service',
      empty.flatMap((port) => ipElements(port, '')),
    ),
    ...served.flatMap((port) => serviceChains(names.get(port)!, port, clusterCIDR)),
    ...baseChains,
    '}',
    '',
  ].join('\n');
}

const tableName = 'raftsman-proxy';

/** Bit of the packet mark that asks for masquerading: kube-proxy's. */
const masqueradeMark = '0x4000';

const baseChains: readonly string[] = [
  '  chain services {',
  '    ip daddr . meta l4proto . th dport vmap @service-ips',
  '    fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @service-nodeports',
  '  }',
  '  chain prerouting { type nat hook prerouting priority dstnat; jump services; }',
  '  chain output { type nat hook output priority -100; jump services; }',
  `  chain postrouting { type nat hook postrouting priority srcnat; meta mark & ${masqueradeMark} == ${masqueradeMark} masquerade; }`,
  '  chain reject-empty { ip daddr . meta l4proto . th dport @no-endpoints reject; }',
  '  chain filter-forward { type filter hook forward priority filter; ct state new jump reject-empty; }',
  '  chain filter-output { type filter hook output priority filter; ct state new jump reject-empty; }',
  '  chain filter-input { type filter hook input priority filter; ct state new jump reject-empty; }',
];

function serviceChains(chain: string, port: ServicePort, clusterCIDR: string): readonly string[] {
  const endpointChain = (i: number): string => `${chain}-ep-${i}`;
  const affinity = port.clientIPAffinitySeconds;
  const affinitySet = (i: number): string => `${chain}-aff-${i}`;
  const choice = port.endpoints.map((_, i) => `${i} : goto ${endpointChain(i)}`).join(', ');
  return [
    ...(affinity === null
      ? []
      : port.endpoints.map(
          (_, i) =>
            `  set ${affinitySet(i)} { type ipv4_addr; flags dynamic, timeout; timeout ${affinity}s; }`,
        )),
    ...port.endpoints.flatMap((endpoint, i) =>
      endpointChains(endpointChain(i), endpoint, port, affinity === null ? null : affinitySet(i)),
    ),
    `  chain ${chain} {`,
    `    ip saddr != ${clusterCIDR} meta mark set meta mark or ${masqueradeMark}`,
    ...(affinity === null
      ? []
      : port.endpoints.map((_, i) => `    ip saddr @${affinitySet(i)} goto ${endpointChain(i)}`)),
    `    numgen random mod ${port.endpoints.length} vmap { ${choice} }`,
    '  }',
  ];
}

/** A pod that reaches itself through its Service must see another source address than its own. */
function endpointChains(
  chain: string,
  endpoint: Endpoint,
  port: ServicePort,
  affinitySet: string | null,
): readonly string[] {
  return [
    `  chain ${chain} {`,
    `    ip saddr ${endpoint.address} meta mark set meta mark or ${masqueradeMark}`,
    ...(affinitySet === null ? [] : [`    update @${affinitySet} { ip saddr }`]),
    `    meta l4proto ${proto(port)} dnat to ${endpoint.address}:${endpoint.port}`,
    '  }',
  ];
}

const proto = (port: ServicePort): string => port.protocol.toLowerCase();

const ipElements = (port: ServicePort, verdict: string): readonly string[] =>
  port.clusterIPs
    .filter((ip) => !ip.includes(':'))
    .map((ip) => `${ip} . ${proto(port)} . ${port.port} ${verdict}`.trimEnd());

const map = (name: string, type: string, elements: readonly string[]): readonly string[] => [
  `  map ${name} { type ${type} : verdict; ${elementList(elements)}}`,
];
const set = (name: string, type: string, elements: readonly string[]): readonly string[] => [
  `  set ${name} { type ${type}; ${elementList(elements)}}`,
];

/** nft refuses an empty list. */
const elementList = (elements: readonly string[]): string =>
  elements.length === 0 ? '' : `elements = { ${elements.join(', ')} }; `;
