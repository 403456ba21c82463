import type { Pod } from '@raftsman/api';
import { hostnameOf } from './sandbox-config.js';

/** A pod's /etc/hosts: itself and its hostAliases. Pure. */
export function hostsFile(pod: Pod, podIps: readonly string[]): string {
  const own = hostnameOf(pod);
  return [
    '# Written by the node agent for this pod.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    ...podIps.map((ip) => `${ip}\t${own}`),
    ...(pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`),
    '',
  ].join('\n');
}
