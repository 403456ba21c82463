import { readFileSync } from 'node:fs';
import { apiClientConfig, leaderElectionFlags, type LeaderElectionFlags } from '@raftsman/config';
import type { LogLevel } from '@raftsman/telemetry';
import type { ClientSecurity } from '@raftsman/wire';
import { InvalidArgumentError } from 'commander';
import { parseCidr, type Cidr } from './node-ipam/cidr.js';
import { controllerNames, type ControllerName } from './controller-names.js';

export interface ControllerManagerConfig {
  /** gRPC addresses of all apiservers, host:port. */
  readonly apiservers: readonly string[];
  readonly security: ClientSecurity;
  readonly leaderElection: LeaderElectionFlags;
  readonly controllers: ReadonlySet<ControllerName>;
  /** host:port or URL of each NATS server; none: beats come over gRPC alone. */
  readonly natsServers: readonly string[];
  /** A node that was not heard for this long is taken for dead. */
  readonly nodeMonitorGracePeriodMs: number;
  /** How long pods without a toleration of their own stay on a node that is not ready, or out of reach. */
  readonly defaultNotReadyTolerationSeconds: number;
  readonly defaultUnreachableTolerationSeconds: number;
  /** Undefined: nodes are not given parts of a pod network. */
  readonly clusterCidr: Cidr | undefined;
  /** Prefix length of a node's part. */
  readonly nodeCidrMaskSize: number;
  /** Finished pods beyond this number are removed, oldest first. */
  readonly terminatedPodGcThreshold: number;
  /** PEM; undefined: no kube-root-ca.crt is published. */
  readonly rootCa: string | undefined;
  readonly logLevel: LogLevel;
}

type Options = Parameters<typeof apiClientConfig>[0] &
  Parameters<typeof leaderElectionFlags>[0] & {
    readonly controllers: ReadonlySet<ControllerName>;
    readonly natsServers: readonly string[];
    readonly nodeMonitorGracePeriod: number;
    readonly defaultNotReadyTolerationSeconds: number;
    readonly defaultUnreachableTolerationSeconds: number;
    readonly clusterCidr?: Cidr;
    readonly nodeCidrMaskSize: number;
    readonly terminatedPodGcThreshold: number;
    readonly rootCaFile?: string;
    readonly logLevel: LogLevel;
  };

/** From what commander parsed. Throws RangeError for settings that contradict each other, or if the root certificate cannot be read. */
export function parseConfig(options: Options): ControllerManagerConfig {
  const { apiservers, certFile, keyFile, caFile } = apiClientConfig(options);
  const { clusterCidr, nodeCidrMaskSize, rootCaFile } = options;
  if (clusterCidr !== undefined && nodeCidrMaskSize < clusterCidr.prefixLength) {
    throw new RangeError('--node-cidr-mask-size must not be smaller than the prefix of --cluster-cidr');
  }
  return {
    apiservers,
    security: { certFile, keyFile, caFile },
    leaderElection: leaderElectionFlags(options),
    controllers: options.controllers,
    natsServers: options.natsServers,
    nodeMonitorGracePeriodMs: options.nodeMonitorGracePeriod,
    defaultNotReadyTolerationSeconds: options.defaultNotReadyTolerationSeconds,
    defaultUnreachableTolerationSeconds: options.defaultUnreachableTolerationSeconds,
    clusterCidr,
    nodeCidrMaskSize,
    terminatedPodGcThreshold: options.terminatedPodGcThreshold,
    rootCa: rootCaFile === undefined ? undefined : readFileSync(rootCaFile, 'utf8'),
    logLevel: options.logLevel,
  };
}

/** "*,-node-ipam": `*` is all of them, a name adds one, `-name` takes one away. */
export function parseControllers(text: string): ReadonlySet<ControllerName> {
  const parts = text.split(',').map((part) => part.trim());
  const known = (name: string): name is ControllerName =>
    (controllerNames as readonly string[]).includes(name);
  const chosen = new Set<ControllerName>(parts.includes('*') ? controllerNames : []);
  for (const part of parts) {
    const name = part.replace(/^-/, '');
    if (name === '*' && part === '*') continue;
    if (!known(name)) {
      throw new InvalidArgumentError(
        `there is no controller ${JSON.stringify(name)}; there are ${controllerNames.join(', ')}.`,
      );
    }
    if (part.startsWith('-')) chosen.delete(name);
    else chosen.add(name);
  }
  return chosen;
}

export function parseClusterCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new InvalidArgumentError('expected an IPv4 network such as 10.244.0.0/16.');
  return cidr;
}
