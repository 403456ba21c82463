import { Command } from 'commander';
import { RackError, rackPlan, setLink } from '@raftsman/rack';
import { UserError } from '../errors.js';
import { knownMembers, livePid } from '../process/pids.js';
import { addLocationFlags, locate, type LocationOptions } from './location.js';

/** `raftsman fault …`: break something on purpose. */
export function faultCommand(): Command {
  const fault = new Command('fault').description('break something on purpose, and mend it');
  fault.addCommand(
    addLocationFlags(
      new Command('kill')
        .description('kill -9 a machine (master-1, worker-2) or one service (store-1)')
        .argument('<member>'),
    ).action((member: string, options: LocationOptions) => {
      const { paths } = locate(options);
      const pid = livePid(paths, member);
      if (pid === null) {
        const running = knownMembers(paths).filter((one) => livePid(paths, one) !== null);
        throw new UserError(`${member} does not run; these do: ${running.join(', ') || 'none'}`);
      }
      process.kill(pid, 'SIGKILL');
      console.log(`killed ${member} (pid ${pid}); "raftsman up" starts what is missing`);
    }),
  );
  fault.addCommand(linkCommand('cut', 'down', "pull a rack machine's network cable"));
  fault.addCommand(linkCommand('mend', 'up', "put a rack machine's network cable back"));
  return fault;
}

function linkCommand(name: string, state: 'up' | 'down', what: string): Command {
  return addLocationFlags(new Command(name).description(what).argument('<machine>')).action(
    (machine: string, options: LocationOptions) => {
      const { cluster } = locate(options);
      if (cluster.kind !== 'rack')
        throw new UserError(`only a rack's machines have cables; try --config cluster-configs/rack.yaml`);
      const plan = rackPlan(cluster);
      if (!plan.machines.some((one) => one.name === machine)) {
        throw new UserError(
          `no machine is named ${machine}; there are ${plan.machines.map((one) => one.name).join(', ')}`,
        );
      }
      try {
        setLink(plan, machine, state);
      } catch (error) {
        if (error instanceof RackError)
          throw new UserError(`is the rack up, and are you root? ${error.message}`);
        throw error;
      }
      console.log(`${machine}: link ${state}`);
    },
  );
}
