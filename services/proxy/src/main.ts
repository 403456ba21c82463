import { Command, Option } from 'commander';
import { addApiClientFlags, apiClientConfig, runService } from '@raftsman/config';
import { createLogger, installCrashHandlers, logLevels } from '@raftsman/telemetry';
import { parseCidr, proxyModes, type ProxyConfig } from './config.js';
import { run } from './run.js';

/** `raftsman proxy`. */
export function command(): Command {
  return addApiClientFlags(
    new Command('proxy').description("makes Services' addresses reach their endpoints"),
  )
    .requiredOption('--hostname-override <name>', "this machine's node name")
    .addOption(
      new Option('--proxy-mode <mode>', 'how Service addresses become real')
        .choices(proxyModes)
        .default('nftables'),
    )
    .option('--cluster-cidr <range>', "pods' addresses", parseCidr, '10.244.0.0/16')
    .addOption(new Option('--log-level <level>').choices(logLevels).default('info'))
    .action(async (options) => {
      const config: ProxyConfig = {
        api: apiClientConfig(options),
        nodeName: options.hostnameOverride,
        mode: options.proxyMode,
        clusterCIDR: options.clusterCidr,
        logLevel: options.logLevel,
      };
      const logger = createLogger({ component: 'proxy', level: config.logLevel });
      installCrashHandlers(logger);
      await runService((signal) => run(config, logger, signal));
    });
}
