import { mkdirSync, rmSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { mountDisk, unmountDisk, type NetworkTarget } from '@raftsman/faults';
import { createRack, destroyRack, inMachine, type RackPlan } from '@raftsman/rack';
import { freePorts } from '../support/ports.js';

/** Where a member runs. */
export interface Machine extends NetworkTarget {
  readonly clientPort: number;
  readonly peerPort: number;
  /** A file system of its own where the machine has one. */
  readonly disk: string;
}

export interface Machines {
  /** With root on Linux: network namespaces and small disks, so that links can be cut and disks filled. Else all on loopback. */
  readonly areApart: boolean;
  readonly all: readonly Machine[];
  /** Removes all of it, with what still runs there. Also for a process that is about to end: network first, without waiting. */
  removeNow(): void;
  remove(): Promise<void>;
}

const diskBytes = 256 * 1024 * 1024;

export async function createMachines(directory: string, names: readonly string[]): Promise<Machines> {
  const areApart = process.getuid?.() === 0 && process.platform === 'linux';
  return areApart ? namespaces(directory, names) : loopback(directory, names);
}

async function namespaces(directory: string, names: readonly string[]): Promise<Machines> {
  const plan = networkPlan(directory, names);
  createRack(plan);
  const all = plan.machines.map((machine): Machine => ({
    name: machine.name,
    address: machine.address,
    enter: inMachine(machine),
    clientPort: 2379,
    peerPort: 2380,
    disk: join(directory, machine.name),
  }));
  for (const { disk } of all) await mountDisk(disk, diskBytes);
  return {
    areApart: true,
    all,
    removeNow: () => destroyRack(plan),
    remove: async () => {
      destroyRack(plan);
      for (const { disk } of all) await unmountDisk(disk);
    },
  };
}

/** A network that no interface of this computer has yet: several runs go side by side. */
function networkPlan(directory: string, names: readonly string[]): RackPlan {
  const taken = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const candidates = Array.from({ length: 200 }, (_, i) => `10.${90 + (i % 10)}.${(process.pid + i) % 250}`);
  const network = candidates.find((prefix) => !taken.some(({ address }) => address.startsWith(`${prefix}.`)));
  if (network === undefined) throw new Error('no free network for the machines');
  const id = network.split('.').slice(1).join('-');
  return {
    switchNamespace: `faults-${id}-switch`,
    hostPort: `rf${id}`,
    network,
    hostAddress: `${network}.1`,
    machines: names.map((name, i) => ({
      name,
      address: `${network}.${11 + i}`,
      namespace: `faults-${id}-${name}`,
      port: `port${i}`,
    })),
    runFolder: join(directory, 'rack'),
  };
}

async function loopback(directory: string, names: readonly string[]): Promise<Machines> {
  const ports = await freePorts(2 * names.length);
  const all = names.map((name, i): Machine => ({
    name,
    address: '127.0.0.1',
    enter: [],
    clientPort: ports[2 * i]!,
    peerPort: ports[2 * i + 1]!,
    disk: join(directory, name),
  }));
  for (const { disk } of all) mkdirSync(disk, { recursive: true });
  const removeNow = (): void => all.forEach(({ disk }) => rmSync(disk, { recursive: true, force: true }));
  return { areApart: false, all, removeNow, remove: async () => removeNow() };
}
