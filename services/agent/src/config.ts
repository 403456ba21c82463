import { isIPv4 } from 'node:net';
import type { Taint } from '@raftsman/api';
import type { ApiClientConfig } from '@raftsman/config';
import type { LogLevel } from '@raftsman/telemetry';
import { InvalidArgumentError } from 'commander';

/** Everything that can be set on an agent. */
export interface AgentConfig {
  readonly api: ApiClientConfig;
  /** The Node's name, which the client certificate must carry: CN=system:node:<name>. */
  readonly nodeName: string;
  /** The Node's InternalIP; the agent's HTTPS listens there. IPv4. */
  readonly nodeIp: string;
  /** HTTPS, for the apiserver. 0: any free one. */
  readonly port: number;
  /** Pods' volumes, logs and the process runtime's records. One agent at a time. */
  readonly rootDir: string;
  /** "unix:///run/containerd/containerd.sock", or "process". */
  readonly runtimeEndpoint: string;
  /** Between two beats. Short notices a dead node sooner and costs that much more traffic. */
  readonly heartbeatIntervalMs: number;
  /** host:port; empty: beats go over gRPC alone. */
  readonly natsServers: readonly string[];
  /** Added to the Node's labels at every start. */
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Given to the Node when it is made, not later. */
  readonly registerWithTaints: readonly Taint[];
  /** The Node's capacity for pods; the scheduler keeps to it. */
  readonly maxPods: number;
  /** Where the CRI runtime looks for its CNI configuration; absent: somebody else writes it. */
  readonly cniConfDir: string | undefined;
  /** Whether to route the other nodes' podCIDRs over their InternalIPs; needs root and nodes that see each other. */
  readonly nodeRoutes: boolean;
  /** The HTTPS server's certificate and key, and whose clients it takes (PEM files). */
  readonly tlsCertFile: string;
  readonly tlsPrivateKeyFile: string;
  readonly clientCaFile: string;
  readonly logLevel: LogLevel;
}

/** Parsers of commander's options: each throws InvalidArgumentError with the one line that the user reads. */

export function parseRuntimeEndpoint(text: string): string {
  if (text === 'process' || /^unix:\/\/\/.+/.test(text)) return text;
  throw new InvalidArgumentError('expected unix:///path/to/socket or process.');
}

export function parseIp(text: string): string {
  if (isIPv4(text)) return text;
  throw new InvalidArgumentError('expected an IPv4 address.');
}

export function parseBoolean(text: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new InvalidArgumentError('expected true or false.');
}

export function parseNodeName(text: string): string {
  if (text.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('expected an RFC 1123 name: lower case letters, digits, "-" and ".".');
}

const qualifiedName = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** "a=b,c=d" */
export function parseLabels(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const part of text.split(',').filter((each) => each !== '')) {
    const [key = '', value = '', ...more] = part.split('=');
    if (more.length > 0 || !qualifiedName.test(key) || !labelValue.test(value))
      throw new InvalidArgumentError(`${JSON.stringify(part)}: expected label=value.`);
    labels[key] = value;
  }
  return labels;
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;

/** "key=value:NoSchedule,key:NoExecute" */
export function parseTaints(text: string): readonly Taint[] {
  return text
    .split(',')
    .filter((each) => each !== '')
    .map((part): Taint => {
      const match = /^([^=:]+)(?:=([^=:]*))?:([A-Za-z]+)$/.exec(part);
      const effect = effects.find((each) => each === match?.[3]);
      const [, key = '', value = ''] = match ?? [];
      if (effect === undefined || !qualifiedName.test(key) || !labelValue.test(value))
        throw new InvalidArgumentError(`${JSON.stringify(part)}: expected key=value:${effects.join('|')}.`);
      return { key, effect, ...(value === '' ? {} : { value }) };
    });
}
