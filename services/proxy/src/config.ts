import { InvalidArgumentError } from 'commander';
import type { ApiClientConfig } from '@raftsman/config';
import type { LogLevel } from '@raftsman/telemetry';

export const proxyModes = ['nftables', 'userspace'] as const;
export type ProxyMode = (typeof proxyModes)[number];

export interface ProxyConfig {
  readonly api: ApiClientConfig;
  /** This machine's node, for logs. */
  readonly nodeName: string;
  /** `nftables`: rules in the kernel, needs root. `userspace`: sockets, for a cluster in loopback addresses. */
  readonly mode: ProxyMode;
  /** Pods' addresses; traffic to Services from elsewhere is masqueraded. */
  readonly clusterCIDR: string;
  readonly logLevel: LogLevel;
}

/** Throws InvalidArgumentError with the one line that the user reads. */
export function parseCidr(text: string): string {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const [octets, bits] = [match?.slice(1, 5).map(Number) ?? [], Number(match?.[5])];
  if (match === null || octets.some((octet) => octet > 255) || bits > 32)
    throw new InvalidArgumentError('expected an IPv4 range such as 10.244.0.0/16.');
  return text;
}
