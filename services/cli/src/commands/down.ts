import { rmSync } from 'node:fs';
import { Command } from 'commander';
import { groundMembers, groundOf } from '../cluster/ground.js';
import { requireStateFolder } from '../cluster/state-folder.js';
import { clusterMembers, type ClusterAt } from '../cluster/members.js';
import { stopAll } from '../process/stop.js';
import { addLocationFlags, locate, type LocationOptions } from './location.js';

/** `raftsman down`: stops a cluster and keeps its data. */
export function downCommand(): Command {
  return addLocationFlags(new Command('down').description('stop the cluster, keep its data')).action(
    async (options: LocationOptions) => {
      const at = locate(options);
      const stopped = await down(at);
      console.log(
        stopped === 0
          ? 'nothing was running'
          : `stopped ${stopped} processes; the data stays in ${at.paths.root}`,
      );
    },
  );
}

/** `raftsman clean`: stops a cluster and removes all that it left. */
export function cleanCommand(): Command {
  return addLocationFlags(new Command('clean').description('stop the cluster and remove its data')).action(
    async (options: LocationOptions) => {
      const at = locate(options);
      await down(at);
      rmSync(at.paths.root, { recursive: true, force: true });
      console.log(`removed ${at.paths.root}`);
    },
  );
}

/** Answers how many processes it stopped. */
async function down(at: ClusterAt): Promise<number> {
  requireStateFolder(at.paths);
  const machines = clusterMembers(at).map((member) => member.member);
  const stopped = await stopAll(at.paths, machines, groundMembers(at.cluster));
  await groundOf(at).dispose();
  return stopped;
}
