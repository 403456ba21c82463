import { Command, Option } from 'commander';
import { runService } from '@raftsman/config';
import { createLogger, installCrashHandlers } from '@raftsman/telemetry';
import {
  agentFlags,
  controllerManagerFlags,
  proxyFlags,
  schedulerFlags,
  type InitialClusterState,
} from '../cluster/flags.js';
import { masterProcesses } from '../cluster/members.js';
import { supervise } from '../process/supervisor.js';
import { addLocationFlags, locate, named, type LocationOptions } from './location.js';

interface MachineOptions extends LocationOptions {
  readonly name: string;
}

const machineCommand = (name: string, what: string): Command =>
  addLocationFlags(new Command(name).description(what)).requiredOption(
    '--name <name>',
    "the machine's name in the cluster file",
  );

/** `raftsman master`: a master's services, each a process of its own. */
export function masterCommand(): Command {
  return machineCommand('master', 'a whole master: store, apiserver, scheduler and controller-manager')
    .addOption(
      new Option(
        '--initial-cluster-state <state>',
        '"existing" for the one start after which a lost disk is rebuilt from the other masters',
      )
        .choices(['new', 'existing'])
        .default('new'),
    )
    .action(async (options: MachineOptions & { readonly initialClusterState: InitialClusterState }) => {
      const at = locate(options);
      const master = named(at.cluster.masters, options.name, 'master');
      const logger = createLogger({ component: 'master' });
      installCrashHandlers(logger);
      const processes = masterProcesses(at, master, options.initialClusterState);
      await runService((signal) => supervise(processes, at.paths, logger, signal));
    });
}

/** `raftsman controllers`: scheduler and controller-manager in one process; each elects its leader by itself. */
export function controllersCommand(): Command {
  return machineCommand('controllers', 'scheduler and controller-manager in one process').action(
    async (options: MachineOptions) => {
      const { cluster, paths } = locate(options);
      const master = named(cluster.masters, options.name, 'master');
      const [scheduler, controllerManager] = await Promise.all([
        import('@raftsman/scheduler'),
        import('@raftsman/controller-manager'),
      ]);
      await Promise.all([
        scheduler.command().parseAsync(schedulerFlags(cluster, master, paths), { from: 'user' }),
        controllerManager
          .command()
          .parseAsync(controllerManagerFlags(cluster, master, paths), { from: 'user' }),
      ]);
    },
  );
}

/** `raftsman worker`: agent and proxy in one process. */
export function workerCommand(): Command {
  return machineCommand('worker', 'a whole worker: agent and proxy').action(
    async (options: MachineOptions) => {
      const { cluster, paths } = locate(options);
      const worker = named(cluster.workers, options.name, 'worker');
      const [agent, proxy] = await Promise.all([import('@raftsman/agent'), import('@raftsman/proxy')]);
      await Promise.all([
        agent.command().parseAsync(agentFlags(cluster, worker, paths), { from: 'user' }),
        proxy.command().parseAsync(proxyFlags(cluster, worker, paths), { from: 'user' }),
      ]);
    },
  );
}
