import {
  addApiClientFlags,
  addLeaderElectionFlags,
  commaList,
  durationMs,
  runService,
  wholeNumber,
} from '@raftsman/config';
import { createLogger, installCrashHandlers, logLevels } from '@raftsman/telemetry';
import { Command, Option } from 'commander';
import { parseClusterCidr, parseConfig, parseControllers } from './config.js';
import { controllerNames } from './controller-names.js';
import { controllerLimits } from './limits.js';
import { run } from './run.js';

const seconds = wholeNumber(0, 2 ** 31 - 1);

export function command(): Command {
  const manager = new Command('controller-manager').description('keeps what is in step with what is wanted');
  addApiClientFlags(manager);
  addLeaderElectionFlags(manager, 'kube-controller-manager');
  return manager
    .option(
      '--controllers <list>',
      `which ones run: * for all, name, -name; of ${controllerNames.join(', ')}`,
      parseControllers,
      new Set(controllerNames),
    )
    .option('--nats-servers <urls>', 'NATS servers that carry the beats of nodes and leaders', commaList, [])
    .option(
      '--node-monitor-grace-period <duration>',
      'a node that was not heard for this long is taken for dead (default: 3s)',
      durationMs,
      3_000,
    )
    .option(
      '--default-not-ready-toleration-seconds <n>',
      'how long pods stay on a node that is not ready',
      seconds,
      60,
    )
    .option(
      '--default-unreachable-toleration-seconds <n>',
      'how long pods stay on a node that is out of reach',
      seconds,
      0,
    )
    .option('--cluster-cidr <network>', 'the pods’ network; each node gets a part of it', parseClusterCidr)
    .option('--node-cidr-mask-size <bits>', "prefix length of a node's part", wholeNumber(8, 30), 24)
    .option(
      '--terminated-pod-gc-threshold <n>',
      'finished pods beyond this number are removed',
      seconds,
      controllerLimits.terminatedPodsMax,
    )
    .option(
      '--root-ca-file <file>',
      'certificate that every namespace gets as ConfigMap kube-root-ca.crt (PEM)',
    )
    .addOption(new Option('--log-level <level>', 'how much is logged').choices(logLevels).default('info'))
    .action(async (options: Parameters<typeof parseConfig>[0]) => {
      const config = parseConfig(options);
      const logger = createLogger({ component: 'controller-manager', level: config.logLevel });
      installCrashHandlers(logger);
      await runService((signal) => run(config, logger, signal));
    });
}
