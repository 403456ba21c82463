import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterConfig } from '@raftsman/config';
import {
  containerdPaths,
  createRack,
  destroyRack,
  importImage,
  inMachine,
  isWhole,
  powerOffContainerd,
  prepareContainerd,
  processesIn,
  rackImages,
  rackPlan,
  RackError,
  waitForContainerd,
  writeBusyboxImages,
  type ContainerdPaths,
  type RackMachine,
  type RackPlan,
} from '@raftsman/rack';
import { UserError } from '../errors.js';
import { knownMembers, livePid, writePid } from '../process/pids.js';
import { spawnDetached } from '../process/spawn.js';
import { stopMembers } from '../process/stop.js';
import type { ClusterAt } from './members.js';

/** What a cluster's machines stand on: this computer as it is, or a rack of namespaces. */
export interface Ground {
  /** Throws UserError if this computer or this user cannot have such a cluster; nothing is touched then. */
  require(): void;
  /** Builds what is missing; may end members that run on ground that is not whole. Throws UserError. */
  prepare(say: (line: string) => void): Promise<void>;
  /** The words that start a command on a machine. */
  prefix(machine: string): readonly string[];
  /** After every member has ended. */
  dispose(): Promise<void>;
}

export function groundOf(at: ClusterAt): Ground {
  switch (at.cluster.kind) {
    case 'local':
      return {
        require: () => undefined,
        prepare: () => Promise.resolve(),
        prefix: () => [],
        dispose: () => Promise.resolve(),
      };
    case 'rack':
      return rackGround(at);
    case 'machines':
      throw new UserError(
        `${at.cluster.name} stands on machines of its own: start "raftsman master" or "raftsman worker" on each (see docs/guides)`,
      );
  }
}

/** Where the containerd of a rack's worker is. */
function workerContainerd(at: Pick<ClusterAt, 'cluster' | 'paths'>, worker: string): ContainerdPaths {
  return containerdPaths(join(at.paths.data, worker), at.cluster.name, worker);
}

const containerdMember = (worker: string): string => `containerd-${worker}`;

function rackGround(at: ClusterAt): Ground {
  const plan = planOf(at.cluster);
  const machine = (name: string): RackMachine => {
    const found = plan.machines.find((one) => one.name === name);
    if (found === undefined) throw new RangeError(`no machine ${name} in the rack`);
    return found;
  };
  return {
    require: () => {
      requireRoot();
      const other = ownerElsewhere(at, plan);
      if (other !== null)
        throw new UserError(
          `the rack ${at.cluster.name} of ${other} runs; stop that one, or give this one another name and network`,
        );
    },
    prepare: (say) =>
      asUserError(async () => {
        await endRemains(at, plan);
        createRack(plan);
        mkdirSync(plan.runFolder, { recursive: true });
        writeFileSync(ownerFile(plan), at.paths.root);
        say(`rack of ${plan.machines.length} machines on ${plan.network}.0/24`);
        await startContainerds(at, (worker) => inMachine(machine(worker)));
        say(`containerd on ${at.cluster.workers.length} workers`);
      }),
    prefix: (name) => inMachine(machine(name)),
    dispose: () =>
      asUserError(async () => {
        requireRoot();
        await stopMembers(
          at.paths,
          at.cluster.workers.map(({ name }) => containerdMember(name)),
        );
        if (ownerElsewhere(at, plan) === null) powerOff(at, plan);
      }),
  };
}

/** Throws UserError. */
function planOf(cluster: ClusterConfig): RackPlan {
  try {
    return rackPlan(cluster);
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(error.message);
    throw error;
  }
}

function requireRoot(): void {
  if (process.getuid?.() !== 0)
    throw new UserError('a rack needs root: it makes network namespaces and runs containers');
}

async function asUserError(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof RackError) throw new UserError(error.message);
    throw error;
  }
}

/** Names are this computer's: the file says which state directory has the rack of this name. */
const ownerFile = (plan: RackPlan): string => join(plan.runFolder, 'owner');

/** The other state directory whose rack of this name runs; null: there is none. */
function ownerElsewhere(at: ClusterAt, plan: RackPlan): string | null {
  if (!existsSync(ownerFile(plan))) return null;
  const owner = readFileSync(ownerFile(plan), 'utf8');
  return owner !== at.paths.root && plan.machines.some((machine) => processesIn(machine).length > 0)
    ? owner
    : null;
}

/** What a crash or a reboot left must not come between: a rack that does not run, or not whole, ends. */
async function endRemains(at: ClusterAt, plan: RackPlan): Promise<void> {
  const running = knownMembers(at.paths).filter((member) => livePid(at.paths, member) !== null);
  if (running.length > 0 && isWhole(plan)) return;
  await stopMembers(at.paths, running);
  powerOff(at, plan);
}

/** Removes everything but data. */
function powerOff(at: ClusterAt, plan: RackPlan): void {
  for (const { name } of at.cluster.workers) powerOffContainerd(workerContainerd(at, name));
  destroyRack(plan);
}

async function startContainerds(at: ClusterAt, prefix: (worker: string) => readonly string[]): Promise<void> {
  const archive = join(at.paths.data, 'busybox.tar');
  if (!existsSync(archive)) writeBusyboxImages(archive);
  const missing = at.cluster.workers.filter(({ name }) => livePid(at.paths, containerdMember(name)) === null);
  for (const { name } of missing) {
    const paths = workerContainerd(at, name);
    prepareContainerd(paths, rackImages.pause);
    const spec = {
      member: containerdMember(name),
      program: { path: 'containerd' },
      words: ['--config', paths.configFile],
    };
    writePid(at.paths, spec.member, spawnDetached(spec, at.paths, prefix(name)).pid!);
  }
  for (const { name } of missing) {
    const paths = workerContainerd(at, name);
    await waitForContainerd(paths, () => livePid(at.paths, containerdMember(name)) !== null);
    importImage(paths, archive);
  }
}

/** Members that a ground keeps besides the cluster's own. */
export const groundMembers = (cluster: ClusterConfig): readonly string[] =>
  cluster.kind === 'rack' ? cluster.workers.map(({ name }) => containerdMember(name)) : [];
