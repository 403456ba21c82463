import { addApiClientFlags, addLeaderElectionFlags, commaList, runService } from '@raftsman/config';
import { createLogger, installCrashHandlers, logLevels } from '@raftsman/telemetry';
import { Command, Option } from 'commander';
import { parseConfig } from './config.js';
import { run } from './run.js';

export function command(): Command {
  const scheduler = new Command('scheduler').description('decides on which node each pod runs');
  addApiClientFlags(scheduler);
  addLeaderElectionFlags(scheduler, 'kube-scheduler');
  return scheduler
    .option('--nats-servers <urls>', 'NATS servers that carry the signs of life of the leader', commaList, [])
    .option('--scheduler-name <name>', 'the spec.schedulerName of the pods it takes', 'default-scheduler')
    .addOption(new Option('--log-level <level>', 'how much is logged').choices(logLevels).default('info'))
    .action(async (options: Parameters<typeof parseConfig>[0]) => {
      const config = parseConfig(options);
      const logger = createLogger({ component: 'scheduler', level: config.logLevel });
      installCrashHandlers(logger);
      await runService((signal) => run(config, logger, signal));
    });
}
