import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterConfig } from '@raftsman/config';
import {
  containerdPaths,
  createRack,
  destroyRack,
  importImage,
  inMachine,
  prepareContainerd,
  rackImages,
  rackPlan,
  RackError,
  removeContainers,
  waitForContainerd,
  writeBusyboxImages,
  type ContainerdPaths,
} from '@raftsman/rack';
import { UserError } from '../errors.js';
import { livePid, writePid } from '../process/pids.js';
import { spawnDetached } from '../process/spawn.js';
import { stopMembers } from '../process/stop.js';
import type { ClusterAt } from './members.js';

/** What a cluster's machines stand on: this computer as it is, or a rack of namespaces. */
export interface Ground {
  /** Builds what is missing. Throws UserError. */
  prepare(say: (line: string) => void): Promise<void>;
  /** The words that start a command on a machine. */
  prefix(machine: string): readonly string[];
  /** After every member has ended. */
  dispose(): Promise<void>;
}

export function groundOf(at: ClusterAt): Ground {
  switch (at.cluster.kind) {
    case 'local':
      return { prepare: () => Promise.resolve(), prefix: () => [], dispose: () => Promise.resolve() };
    case 'rack':
      return rackGround(at);
    case 'machines':
      throw new UserError(
        `${at.cluster.name} stands on machines of its own: start "raftsman master" or "raftsman worker" on each (see docs/guides)`,
      );
  }
}

/** Where the containerd of a rack's worker is. */
export function workerContainerd(at: Pick<ClusterAt, 'cluster' | 'paths'>, worker: string): ContainerdPaths {
  return containerdPaths(join(at.paths.data, worker), at.cluster.name, worker);
}

const containerdMember = (worker: string): string => `containerd-${worker}`;

function rackGround(at: ClusterAt): Ground {
  const plan = rackPlan(at.cluster);
  const machine = (name: string): (typeof plan.machines)[number] => {
    const found = plan.machines.find((one) => one.name === name);
    if (found === undefined) throw new RangeError(`no machine ${name} in the rack`);
    return found;
  };
  return {
    prepare: async (say) => {
      if (process.getuid?.() !== 0)
        throw new UserError('a rack needs root: it makes network namespaces and runs containers');
      try {
        createRack(plan);
        say(`rack of ${plan.machines.length} machines on ${plan.bridge}`);
        await startContainerds(at, (worker) => inMachine(machine(worker)));
        say(`containerd on ${at.cluster.workers.length} workers`);
      } catch (error) {
        if (error instanceof RackError) throw new UserError(error.message);
        throw error;
      }
    },
    prefix: (name) => inMachine(machine(name)),
    dispose: async () => {
      for (const { name } of at.cluster.workers) {
        if (livePid(at.paths, containerdMember(name)) !== null) removeContainers(workerContainerd(at, name));
      }
      await stopMembers(
        at.paths,
        at.cluster.workers.map(({ name }) => containerdMember(name)),
      );
      destroyRack(plan);
    },
  };
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
    await waitForContainerd(paths);
    importImage(paths, archive);
  }
}

/** Members that a ground keeps besides the cluster's own. */
export const groundMembers = (cluster: ClusterConfig): readonly string[] =>
  cluster.kind === 'rack' ? cluster.workers.map(({ name }) => containerdMember(name)) : [];
