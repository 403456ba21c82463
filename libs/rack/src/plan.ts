import type { ClusterConfig } from '@raftsman/config';

/** A machine of the rack: a network namespace, and a link from it to the rack's switch. */
export interface RackMachine {
  readonly name: string;
  readonly address: string;
  readonly namespace: string;
  /** The switch's end of the link. Linux takes 15 characters. */
  readonly port: string;
}

/** What `createRack` builds. Pure: configuration in, names and addresses out. */
export interface RackPlan {
  /** The switch: a bridge in the namespace of whoever builds the rack. */
  readonly bridge: string;
  /** This computer's own address in the rack, so that kubectl reaches the gateway; the machines' default route. */
  readonly hostAddress: string;
  readonly machines: readonly RackMachine[];
}

export function rackPlan(cluster: ClusterConfig): RackPlan {
  const network = cluster.gateway.address.split('.').slice(0, 3).join('.');
  const named = [
    { name: 'gateway', address: cluster.gateway.address },
    ...cluster.masters,
    ...cluster.workers,
  ];
  const outside = named.find(({ address }) => !address.startsWith(`${network}.`));
  if (outside !== undefined)
    throw new RangeError(`${outside.name} (${outside.address}) is not in the rack's network ${network}.0/24`);
  return {
    bridge: `rm${shortHash(cluster.name)}`,
    hostAddress: `${network}.1`,
    machines: named.map(({ name, address }, i) => ({
      name,
      address,
      namespace: `raftsman-${cluster.name}-${name}`,
      port: `rm${shortHash(cluster.name)}p${i}`,
    })),
  };
}

/** The words that put a command into a machine. `ip netns exec` would hide the cgroup mounts, which runc needs. */
export const inMachine = (machine: RackMachine): readonly string[] => [
  'nsenter',
  `--net=/run/netns/${machine.namespace}`,
];

/** Four letters and digits that tell racks of one computer apart (FNV-1a). */
function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193) >>> 0;
  return hash.toString(36).padStart(4, '0').slice(-4);
}
