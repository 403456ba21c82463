import { rmSync } from 'node:fs';
import { command, RackError, succeeds } from './command.js';
import { inMachine, type RackMachine, type RackPlan } from './plan.js';
import { killAll } from './processes.js';

const bridge = 'switch';

/**
 * Builds the switch, the machines and their links; a rack that is whole stays, with every link put back, any other is built anew. Needs root.
 * Throws RackError, also if this computer has the rack's network elsewhere.
 */
export function createRack(plan: RackPlan): void {
  requireFreeNetwork(plan);
  if (isWhole(plan)) {
    for (const machine of plan.machines) setLink(plan, machine.name, 'up');
    return;
  }
  destroyRack(plan);
  createSwitch(plan);
  for (const machine of plan.machines) createMachine(plan, machine);
}

/** Whether the rack is there, with all that the plan says. */
export const isWhole = (plan: RackPlan): boolean =>
  switchIsWhole(plan) && plan.machines.every((machine) => machineIsWhole(plan, machine));

/** The last step of making the switch is this computer's link to it. */
const switchIsWhole = (plan: RackPlan): boolean =>
  succeeds('ip', '-netns', plan.switchNamespace, 'link', 'show', bridge) &&
  succeeds('sh', '-c', `ip -oneline link show up dev ${plan.hostPort} | grep -q .`);

function createSwitch(plan: RackPlan): void {
  const inSwitch = ['ip', '-netns', plan.switchNamespace];
  command('ip', 'netns', 'add', plan.switchNamespace);
  command(...inSwitch, 'link', 'add', bridge, 'type', 'bridge');
  command(...inSwitch, 'link', 'set', bridge, 'up');
  const veth = ['type', 'veth', 'peer', 'name', 'host', 'netns', plan.switchNamespace];
  command('ip', 'link', 'add', plan.hostPort, ...veth);
  command(...inSwitch, 'link', 'set', 'host', 'master', bridge, 'up');
  command('ip', 'address', 'add', `${plan.hostAddress}/24`, 'dev', plan.hostPort);
  command('ip', 'link', 'set', plan.hostPort, 'up');
}

/** Another interface with such addresses would get the rack's packets, or the rack its. */
function requireFreeNetwork(plan: RackPlan): void {
  const taken = command('ip', '-4', '-oneline', 'address', 'show')
    .split('\n')
    .map((line) => /^\d+: (\S+) +inet (\S+)/.exec(line))
    .find(
      (match) => match !== null && match[1] !== plan.hostPort && match[2]!.startsWith(`${plan.network}.`),
    );
  if (taken !== undefined && taken !== null)
    throw new RackError(
      `${taken[1]} has ${taken[2]} already; give the rack another network in its cluster file`,
    );
}

/** The last step of making a machine is forwarding: one with its address and forwarding is whole. */
function machineIsWhole(plan: RackPlan, machine: RackMachine): boolean {
  const check = `ip -4 -oneline address show dev eth0 | grep -q ' ${machine.address}/24 ' && [ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ]`;
  return (
    succeeds('ip', '-netns', plan.switchNamespace, 'link', 'show', machine.port) &&
    succeeds(...inMachine(machine), 'sh', '-c', check)
  );
}

function createMachine(plan: RackPlan, machine: RackMachine): void {
  const inSwitch = ['ip', '-netns', plan.switchNamespace];
  const inside = ['ip', '-netns', machine.namespace];
  command('ip', 'netns', 'add', machine.namespace);
  const veth = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', machine.namespace];
  command(...inSwitch, 'link', 'add', machine.port, ...veth);
  command(...inSwitch, 'link', 'set', machine.port, 'master', bridge, 'up');
  command(...inside, 'link', 'set', 'lo', 'up');
  command(...inside, 'address', 'add', `${machine.address}/24`, 'dev', 'eth0');
  command(...inside, 'link', 'set', 'eth0', 'up');
  command(...inside, 'route', 'add', 'default', 'via', plan.hostAddress);
  command(...inMachine(machine), 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
}

/** Ends what still runs in the machine, too. */
function removeMachine(plan: RackPlan, machine: RackMachine): void {
  killAll(processesIn(machine));
  succeeds('ip', '-netns', plan.switchNamespace, 'link', 'delete', machine.port);
  removeNamespace(machine.namespace);
}

/** After a reboot the namespace's name may still be there, as a plain file. */
function removeNamespace(name: string): void {
  if (!succeeds('ip', 'netns', 'delete', name)) rmSync(`/run/netns/${name}`, { force: true });
}

/** Processes that run in the machine; none if there is no such machine. */
export function processesIn(machine: RackMachine): readonly number[] {
  if (!succeeds(...inMachine(machine), 'true')) return [];
  return command('ip', 'netns', 'pids', machine.namespace)
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

/** Removes all of it, with what still runs inside. Never fails for what is not there. */
export function destroyRack(plan: RackPlan): void {
  for (const machine of plan.machines) removeMachine(plan, machine);
  succeeds('ip', 'link', 'delete', plan.hostPort);
  removeNamespace(plan.switchNamespace);
  rmSync(plan.runFolder, { recursive: true, force: true });
}

/** Pulls a machine's network cable, or puts it back. Throws RackError. */
export function setLink(plan: RackPlan, machineName: string, state: 'up' | 'down'): void {
  const machine = plan.machines.find(({ name }) => name === machineName);
  if (machine === undefined) throw new RangeError(`no machine ${machineName} in the rack`);
  command('ip', '-netns', plan.switchNamespace, 'link', 'set', machine.port, state);
}
