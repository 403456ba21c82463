import { join } from 'node:path';
import type { ClusterConfig } from '@raftsman/config';
import { rackLimits } from './limits.js';

/** A machine of the rack: a network namespace, and a link from it to the rack's switch. */
export interface RackMachine {
  readonly name: string;
  readonly address: string;
  readonly namespace: string;
  /** The switch's end of the link. */
  readonly port: string;
}

/** What `createRack` builds. Pure: configuration in, names and addresses out. */
export interface RackPlan {
  /** The namespace with the switch, a bridge: there no firewall of this computer (Docker's, say) looks at what machines say to each other. */
  readonly switchNamespace: string;
  /** This computer's end of its own link to the switch. */
  readonly hostPort: string;
  /** "10.77.0": the first three numbers of every address in the rack. */
  readonly network: string;
  /** This computer's own address in the rack, so that kubectl reaches the gateway; the machines' default route. */
  readonly hostAddress: string;
  readonly machines: readonly RackMachine[];
  /** What lasts no longer than the rack: sockets, containers' state. */
  readonly runFolder: string;
}

/** Where a rack, or one machine of it, keeps what a reboot would end. */
export const runFolder = (clusterName: string, machineName = ''): string =>
  join('/run/raftsman', clusterName, machineName);

const switchName = 'switch';

/** Throws RangeError with the one line that the user reads. */
export function rackPlan(cluster: ClusterConfig): RackPlan {
  const network = cluster.gateway.address.split('.').slice(0, 3).join('.');
  const named = [
    { name: 'gateway', address: cluster.gateway.address },
    ...cluster.masters,
    ...cluster.witnesses,
    ...cluster.workers,
  ];
  checkMachines(cluster.name, network, named);
  return {
    switchNamespace: `raftsman-${cluster.name}-${switchName}`,
    hostPort: `rm${shortHash(cluster.name)}`,
    network,
    hostAddress: `${network}.1`,
    machines: named.map(({ name, address }, i) => ({
      name,
      address,
      namespace: `raftsman-${cluster.name}-${name}`,
      port: `port${i}`,
    })),
    runFolder: runFolder(cluster.name),
  };
}

function checkMachines(
  clusterName: string,
  network: string,
  named: readonly { readonly name: string; readonly address: string }[],
): void {
  if (named.length > rackLimits.machinesMax)
    throw new RangeError(`${named.length} machines; a rack has at most ${rackLimits.machinesMax}`);
  const addresses = new Map([[`${network}.1`, 'this computer']]);
  for (const { name, address } of named) {
    if (!address.startsWith(`${network}.`))
      throw new RangeError(`${name} (${address}) is not in the rack's network ${network}.0/24`);
    const other = addresses.get(address);
    if (other !== undefined) throw new RangeError(`${name} and ${other} have one address, ${address}`);
    addresses.set(address, name);
  }
  const names = [switchName, ...named.map(({ name }) => name)];
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new RangeError(`two machines of the rack are named ${twice}`);
  for (const { name } of named) {
    // The longest of containerd's sockets.
    const socket = join(runFolder(clusterName, name), 'containerd.sock.ttrpc');
    if (socket.length > rackLimits.socketPathBytesMax)
      throw new RangeError(`${clusterName} and ${name} are too long together for a socket: ${socket}`);
  }
}

/** The words that put a command into a machine. `ip netns exec` would hide the cgroup mounts, which runc needs. */
export const inMachine = (machine: RackMachine): readonly string[] => [
  'nsenter',
  `--net=/run/netns/${machine.namespace}`,
];

/** Four letters and digits that tell racks of one computer apart (FNV-1a): an interface's name has 15 characters at most. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193) >>> 0;
  return hash.toString(36).padStart(4, '0').slice(-4);
}
