import { Command, Option } from 'commander';
import { commaList, durationMs, hostPort, runService } from '@raftsman/config';
import { createLogger, installCrashHandlers, logLevels } from '@raftsman/telemetry';
import { validateGatewayConfig, type GatewayConfig } from './config.js';
import { run } from './run.js';

const endpoints = (text: string): readonly { host: string; port: number }[] => commaList(text).map(hostPort);

/** `raftsman gateway`. */
export function command(): Command {
  return new Command('gateway')
    .description('one entry point for both APIs: balances connections over the healthy apiservers')
    .option('--https-listen <host:port>', 'where kubectl connects', hostPort, {
      host: '127.0.0.1',
      port: 6443,
    })
    .option('--grpc-listen <host:port>', 'where gRPC clients connect', hostPort, {
      host: '127.0.0.1',
      port: 7443,
    })
    .requiredOption('--https-backends <host:port,...>', "the apiservers' HTTPS ports", endpoints)
    .requiredOption(
      '--grpc-backends <host:port,...>',
      "the apiservers' gRPC ports, in the same order",
      endpoints,
    )
    .requiredOption('--certificate-authority <file>', "authority of the apiservers' certificates (PEM)")
    .option('--health-interval <duration>', 'between two checks of /readyz', durationMs, 1_000)
    .option(
      '--shutdown-grace-period <duration>',
      'how long connections may go on after SIGTERM',
      durationMs,
      5_000,
    )
    .addOption(new Option('--log-level <level>').choices(logLevels).default('info'))
    .action(async (options) => {
      const config: GatewayConfig = validateGatewayConfig({
        httpsListen: options.httpsListen,
        grpcListen: options.grpcListen,
        httpsBackends: options.httpsBackends,
        grpcBackends: options.grpcBackends,
        certificateAuthorityFile: options.certificateAuthority,
        healthIntervalMs: options.healthInterval,
        shutdownGraceMs: options.shutdownGracePeriod,
        logLevel: options.logLevel,
      });
      const logger = createLogger({ component: 'gateway', level: config.logLevel });
      installCrashHandlers(logger);
      await runService((signal) => run(config, logger, signal));
    });
}
