import { hostname } from 'node:os';
import {
  addApiClientFlags,
  apiClientConfig,
  commaList,
  durationMs,
  port,
  runService,
  wholeNumber,
} from '@raftsman/config';
import { createLogger, installCrashHandlers, logLevels, type LogLevel } from '@raftsman/telemetry';
import { Command, Option } from 'commander';
import {
  parseBoolean,
  parseIp,
  parseLabels,
  parseNodeName,
  parseRuntimeEndpoint,
  parseTaints,
  type AgentConfig,
} from './config.js';
import { run } from './run.js';

/** `raftsman agent`. */
export function command(): Command {
  const agent = new Command('agent').description('runs the pods of one node');
  addApiClientFlags(agent);
  return agent
    .option('--node-name <name>', "the Node's name", parseNodeName, hostname().toLowerCase())
    .requiredOption('--node-ip <address>', "the Node's InternalIP; HTTPS listens there", parseIp)
    .option('--port <port>', 'HTTPS, for the apiserver', port, 10_250)
    .option('--root-dir <directory>', "pods' volumes and logs", '/var/lib/raftsman/agent')
    .option(
      '--container-runtime-endpoint <endpoint>',
      'a CRI socket (unix:///…), or "process"',
      parseRuntimeEndpoint,
      'unix:///run/containerd/containerd.sock',
    )
    .option('--heartbeat-interval <duration>', 'between two beats', durationMs, 500)
    .option('--nats-servers <host:port,...>', 'where beats go', commaList, [])
    .option('--node-labels <label=value,...>', "added to the Node's labels", parseLabels, {})
    .option('--register-with-taints <key=value:effect,...>', "a new Node's taints", parseTaints, [])
    .option('--max-pods <count>', "the Node's capacity for pods", wholeNumber(1, 10_000), 110)
    .option('--cni-conf-dir <directory>', "write the pod network's CNI configuration there")
    .option(
      '--node-routes <true|false>',
      "route the other nodes' podCIDRs over their addresses",
      parseBoolean,
      false,
    )
    .requiredOption('--tls-cert-file <file>', "the HTTPS server's certificate (PEM)")
    .requiredOption('--tls-private-key-file <file>', "the certificate's key (PEM)")
    .requiredOption('--client-ca-file <file>', 'authority of the clients that HTTPS takes (PEM)')
    .addOption(new Option('--log-level <level>', 'how much is logged').choices(logLevels).default('info'))
    .action(async (options: AgentOptions) => {
      const config = agentConfig(options);
      const logger = createLogger({ component: 'agent', level: config.logLevel });
      installCrashHandlers(logger);
      await runService((signal) => run(config, logger, signal));
    });
}

type AgentOptions = Parameters<typeof apiClientConfig>[0] &
  Omit<AgentConfig, 'api' | 'runtimeEndpoint' | 'heartbeatIntervalMs' | 'cniConfDir' | 'logLevel'> & {
    readonly containerRuntimeEndpoint: string;
    readonly heartbeatInterval: number;
    readonly cniConfDir?: string;
    readonly logLevel: LogLevel;
  };

const agentConfig = (options: AgentOptions): AgentConfig => ({
  api: apiClientConfig(options),
  nodeName: options.nodeName,
  nodeIp: options.nodeIp,
  port: options.port,
  rootDir: options.rootDir,
  runtimeEndpoint: options.containerRuntimeEndpoint,
  heartbeatIntervalMs: options.heartbeatInterval,
  natsServers: options.natsServers,
  nodeLabels: options.nodeLabels,
  registerWithTaints: options.registerWithTaints,
  maxPods: options.maxPods,
  cniConfDir: options.cniConfDir,
  nodeRoutes: options.nodeRoutes,
  tlsCertFile: options.tlsCertFile,
  tlsPrivateKeyFile: options.tlsPrivateKeyFile,
  clientCaFile: options.clientCaFile,
  logLevel: options.logLevel,
});
