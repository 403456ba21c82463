import { Command } from 'commander';
import { runService } from '@raftsman/config';
import { createLogger, installCrashHandlers } from '@raftsman/telemetry';
import { addApiserverFlags, apiserverConfig } from './config.js';
import { run } from './run.js';

/** `raftsman apiserver` */
export function command(): Command {
  return addApiserverFlags(new Command('apiserver'))
    .description('serves the Kubernetes REST API and gRPC raftsman.v1 from an etcd v3 store')
    .action(async (flags: Parameters<typeof apiserverConfig>[0]) => {
      const config = apiserverConfig(flags);
      const logger = createLogger({ component: 'apiserver', level: config.logLevel });
      installCrashHandlers(logger);
      await runService((signal) => run(config, logger, signal));
    });
}
