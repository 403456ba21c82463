import { existsSync } from 'node:fs';
import { command, succeeds } from './command.js';
import { inMachine, type RackMachine, type RackPlan } from './plan.js';

/** Builds the switch, the machines and their links; what is there already stays. Needs root. Throws RackError. */
export function createRack(plan: RackPlan): void {
  if (!succeeds('ip', 'link', 'show', plan.bridge)) {
    command('ip', 'link', 'add', plan.bridge, 'type', 'bridge');
    command('ip', 'address', 'add', `${plan.hostAddress}/24`, 'dev', plan.bridge);
  }
  command('ip', 'link', 'set', plan.bridge, 'up');
  for (const machine of plan.machines)
    if (!existsSync(`/run/netns/${machine.namespace}`)) createMachine(plan, machine);
}

function createMachine(plan: RackPlan, machine: RackMachine): void {
  const inside = (...words: readonly string[]): string => command(...inMachine(machine), ...words);
  command('ip', 'netns', 'add', machine.namespace);
  succeeds('ip', 'link', 'delete', machine.port);
  command(
    'ip',
    'link',
    'add',
    machine.port,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    machine.namespace,
  );
  command('ip', 'link', 'set', machine.port, 'master', plan.bridge, 'up');
  inside('ip', 'link', 'set', 'lo', 'up');
  inside('ip', 'address', 'add', `${machine.address}/24`, 'dev', 'eth0');
  inside('ip', 'link', 'set', 'eth0', 'up');
  inside('ip', 'route', 'add', 'default', 'via', plan.hostAddress);
  inside('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
}

/** Removes all of it. Processes inside must have ended before. */
export function destroyRack(plan: RackPlan): void {
  for (const machine of plan.machines) {
    succeeds('ip', 'link', 'delete', machine.port);
    succeeds('ip', 'netns', 'delete', machine.namespace);
  }
  succeeds('ip', 'link', 'delete', plan.bridge);
}

/** Pulls a machine's network cable, or puts it back. Throws RackError. */
export function setLink(plan: RackPlan, machineName: string, state: 'up' | 'down'): void {
  const machine = plan.machines.find(({ name }) => name === machineName);
  if (machine === undefined) throw new RangeError(`no machine ${machineName} in the rack`);
  command('ip', 'link', 'set', machine.port, state);
}
