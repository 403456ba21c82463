import { networkInterfaces } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import { commaList, durationMs, port, wholeNumber } from '@raftsman/config';
import { logLevels, type LogLevel } from '@raftsman/telemetry';
import type { ClientSecurity } from '@raftsman/wire';
import { parseIpRange, type IpRange } from './registry/allocation/ip-range.js';
import type { PortRange } from './registry/allocation/service-allocator.js';

/** A master that `kubectl get componentstatuses` shows. */
export interface MasterAddress {
  readonly name: string;
  /** https://host:port of its apiserver. */
  readonly url: string;
}

export interface ApiserverConfig {
  /** host:port of the store's members, the preferred one first. */
  readonly etcdServers: readonly string[];
  readonly etcdSecurity: ClientSecurity;
  /** Before every key, without a slash at its end. */
  readonly etcdPrefix: string;
  readonly bindAddress: string;
  /** HTTPS; 0 takes any free port. */
  readonly securePort: number;
  /** gRPC; 0 takes any free port. */
  readonly grpcPort: number;
  /** Where others reach this apiserver. */
  readonly advertiseAddress: string;
  readonly tlsCertFile: string;
  readonly tlsKeyFile: string;
  /** Whose certificates count as a user's. */
  readonly clientCaFile: string;
  readonly serviceIpRange: IpRange;
  readonly servicePortRange: PortRange;
  /** How this apiserver shows itself to agents; null: logs cannot be had. */
  readonly agentClient: {
    readonly certFile: string;
    readonly keyFile: string;
    readonly caFile: string;
  } | null;
  readonly masters: readonly MasterAddress[];
  readonly tolerations: { readonly notReadySeconds: number; readonly unreachableSeconds: number };
  /** How long /readyz says no before connections are drained, so that balancers look elsewhere. */
  readonly shutdownDelayMs: number;
  readonly logLevel: LogLevel;
}

interface Flags {
  readonly etcdServers: readonly string[];
  readonly etcdCafile?: string;
  readonly etcdCertfile?: string;
  readonly etcdKeyfile?: string;
  readonly etcdPrefix: string;
  readonly bindAddress: string;
  readonly securePort: number;
  readonly grpcPort: number;
  readonly advertiseAddress?: string;
  readonly tlsCertFile: string;
  readonly tlsPrivateKeyFile: string;
  readonly clientCaFile: string;
  readonly serviceClusterIpRange: IpRange;
  readonly serviceNodePortRange: PortRange;
  readonly kubeletClientCertificate?: string;
  readonly kubeletClientKey?: string;
  readonly kubeletCertificateAuthority?: string;
  readonly masters: readonly MasterAddress[];
  readonly defaultNotReadyTolerationSeconds: number;
  readonly defaultUnreachableTolerationSeconds: number;
  readonly shutdownDelayDuration: number;
  readonly logLevel: LogLevel;
}

const secondsMax = 2 ** 31 - 1;

/** kube-apiserver's flag names, and ours for what it has not. */
export function addApiserverFlags(command: Command): Command {
  return command
    .requiredOption('--etcd-servers <url,...>', 'the store, the nearest member first', etcdServers)
    .option('--etcd-cafile <file>', "authority of the store's certificates (PEM)")
    .option('--etcd-certfile <file>', 'certificate for the store (PEM)')
    .option('--etcd-keyfile <file>', 'key of that certificate (PEM)')
    .option('--etcd-prefix <prefix>', 'before every key', keyPrefix, '/registry')
    .option('--bind-address <ip>', 'address to listen on', '0.0.0.0')
    .option('--secure-port <port>', 'HTTPS port', port, 6443)
    .option('--grpc-port <port>', 'gRPC port', port, 7443)
    .option(
      '--advertise-address <ip>',
      'address at which others reach this apiserver (default: --bind-address, or the first of this machine)',
    )
    .requiredOption('--tls-cert-file <file>', "the server's certificate (PEM)")
    .requiredOption('--tls-private-key-file <file>', 'key of that certificate (PEM)')
    .requiredOption('--client-ca-file <file>', "authority of the users' certificates (PEM)")
    .option('--service-cluster-ip-range <cidr>', 'addresses of Services', ipRange, ipRange('10.96.0.0/16'))
    .option(
      '--service-node-port-range <first-last>',
      'node ports of Services',
      portRange,
      portRange('30000-32767'),
    )
    .option('--kubelet-client-certificate <file>', 'certificate for the agents (PEM)')
    .option('--kubelet-client-key <file>', 'key of that certificate (PEM)')
    .option('--kubelet-certificate-authority <file>', "authority of the agents' certificates (PEM)")
    .option('--masters <name=url,...>', 'masters to show as component statuses', masters, [])
    .option(
      '--default-not-ready-toleration-seconds <seconds>',
      'how long a pod stays on a node that is not ready, unless it says so itself',
      wholeNumber(0, secondsMax),
      60,
    )
    .option(
      '--default-unreachable-toleration-seconds <seconds>',
      'how long a pod stays on a node that is out of reach, unless it says so itself',
      wholeNumber(0, secondsMax),
      0,
    )
    .option(
      '--shutdown-delay-duration <duration>',
      '/readyz fails this long before the server stops',
      durationMs,
      0,
    )
    .option('--log-level <level>', logLevels.join(', '), logLevel, 'info');
}

/** From what commander parsed of `addApiserverFlags`. Throws InvalidArgumentError if flags contradict each other. */
export function apiserverConfig(flags: Flags): ApiserverConfig {
  return {
    etcdServers: flags.etcdServers,
    etcdSecurity: etcdSecurity(flags),
    etcdPrefix: flags.etcdPrefix,
    bindAddress: flags.bindAddress,
    securePort: flags.securePort,
    grpcPort: flags.grpcPort,
    advertiseAddress: flags.advertiseAddress ?? reachableAddress(flags.bindAddress),
    tlsCertFile: flags.tlsCertFile,
    tlsKeyFile: flags.tlsPrivateKeyFile,
    clientCaFile: flags.clientCaFile,
    serviceIpRange: flags.serviceClusterIpRange,
    servicePortRange: flags.serviceNodePortRange,
    agentClient: agentClient(flags),
    masters: flags.masters,
    tolerations: {
      notReadySeconds: flags.defaultNotReadyTolerationSeconds,
      unreachableSeconds: flags.defaultUnreachableTolerationSeconds,
    },
    shutdownDelayMs: flags.shutdownDelayDuration,
    logLevel: flags.logLevel,
  };
}

/** The address to listen on, unless that is all of them: then the first IPv4 address that others can reach. */
function reachableAddress(bindAddress: string): string {
  if (bindAddress !== '0.0.0.0' && bindAddress !== '::') return bindAddress;
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

/** Without any of the three, the store is spoken to in the clear, as kube-apiserver does. */
function etcdSecurity({ etcdCafile, etcdCertfile, etcdKeyfile }: Flags): ClientSecurity {
  if (etcdCafile === undefined && etcdCertfile === undefined && etcdKeyfile === undefined) return 'insecure';
  if (etcdCafile === undefined || etcdCertfile === undefined || etcdKeyfile === undefined) {
    throw new InvalidArgumentError('--etcd-cafile, --etcd-certfile and --etcd-keyfile go together.');
  }
  return { caFile: etcdCafile, certFile: etcdCertfile, keyFile: etcdKeyfile };
}

function agentClient(flags: Flags): ApiserverConfig['agentClient'] {
  const {
    kubeletClientCertificate: certFile,
    kubeletClientKey: keyFile,
    kubeletCertificateAuthority: caFile,
  } = flags;
  if (certFile === undefined && keyFile === undefined && caFile === undefined) return null;
  if (certFile === undefined || keyFile === undefined || caFile === undefined) {
    throw new InvalidArgumentError(
      '--kubelet-client-certificate, --kubelet-client-key and --kubelet-certificate-authority go together.',
    );
  }
  return { certFile, keyFile, caFile };
}

function etcdServers(text: string): readonly string[] {
  const addresses = commaList(text).map((each) => /^(?:https?:\/\/)?([^/]+:\d{1,5})\/?$/.exec(each)?.[1]);
  const good = addresses.filter((each) => each !== undefined);
  if (good.length !== addresses.length || good.length === 0) {
    throw new InvalidArgumentError('expected URLs such as https://127.0.0.1:2379, separated by commas.');
  }
  return good;
}

function keyPrefix(text: string): string {
  if (!/^(\/[^/]+)+\/?$/.test(text)) throw new InvalidArgumentError('expected a path such as /registry.');
  return text.replace(/\/$/, '');
}

function ipRange(text: string): IpRange {
  const range = parseIpRange(text);
  if (range === null)
    throw new InvalidArgumentError('expected an IPv4 network between /8 and /30, such as 10.96.0.0/16.');
  return range;
}

function portRange(text: string): PortRange {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || first < 1 || last > 65_535 || first > last) {
    throw new InvalidArgumentError('expected first-last, such as 30000-32767.');
  }
  return { first, last };
}

function masters(text: string): readonly MasterAddress[] {
  return commaList(text).map((each) => {
    const match = /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)=(https:\/\/[^/]+)\/?$/.exec(each);
    if (match === null)
      throw new InvalidArgumentError('expected name=https://host:port, separated by commas.');
    return { name: match[1]!, url: match[3]! };
  });
}

function logLevel(text: string): LogLevel {
  const level = logLevels.find((each) => each === text);
  if (level === undefined) throw new InvalidArgumentError(`expected one of ${logLevels.join(', ')}.`);
  return level;
}
