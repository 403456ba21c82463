import { join } from 'node:path';
import type { Pod } from '@raftsman/api';
import { podLabels } from '../runtime/labels.js';
import type { DnsConfig, PodSandboxConfig, PortMapping } from '../runtime/runtime.js';

/** Where the agent keeps a pod's files and logs. */
export interface PodPaths {
  readonly podDirectory: string;
  readonly logDirectory: string;
}

export function podPaths(
  rootDir: string,
  pod: { readonly uid: string; readonly namespace: string; readonly name: string },
): PodPaths {
  return {
    podDirectory: join(rootDir, 'pods', pod.uid),
    logDirectory: join(rootDir, 'logs', `${pod.namespace}_${pod.name}_${pod.uid}`),
  };
}

/** A pod's sandbox as the runtime makes it. Pure. */
export function sandboxConfig(pod: Pod, attempt: number, logDirectory: string): PodSandboxConfig {
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  const dns = dnsConfig(pod);
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  return {
    metadata: { name, namespace, uid, attempt },
    hostname: hostnameOf(pod),
    logDirectory,
    labels: { ...pod.metadata.labels, ...podLabels({ uid, namespace, name }) },
    annotations: { ...pod.metadata.annotations },
    hostNetwork: pod.spec.hostNetwork ?? false,
    hostPid: pod.spec.hostPID ?? false,
    hostIpc: pod.spec.hostIPC ?? false,
    sharedPid: pod.spec.shareProcessNamespace ?? false,
    privileged: containers.some(({ securityContext }) => securityContext?.privileged === true),
    ...(dns === undefined ? {} : { dns }),
    portMappings: containers.flatMap(portMappings),
    sysctls: Object.fromEntries(
      (pod.spec.securityContext?.sysctls ?? []).map((sysctl) => [sysctl.name, sysctl.value]),
    ),
  };
}

const hostnameLengthMax = 63;

/** A pod's name cut to what Linux takes for a host name. */
export function hostnameOf(pod: Pod): string {
  const name = pod.spec.hostname ?? pod.metadata.name ?? '';
  return name.slice(0, hostnameLengthMax).replace(/[-.]+$/, '');
}

/** Undefined: the node's own resolver, which stands in for ClusterFirst until a cluster DNS is configured. */
function dnsConfig(pod: Pod): DnsConfig | undefined {
  const own = pod.spec.dnsConfig;
  if (own === undefined || pod.spec.dnsPolicy !== 'None') return undefined;
  return {
    servers: own.nameservers ?? [],
    searches: own.searches ?? [],
    options: (own.options ?? []).map(({ name = '', value }) =>
      value === undefined ? name : `${name}:${value}`,
    ),
  };
}

function portMappings({ ports = [] }: Pod['spec']['containers'][number]): readonly PortMapping[] {
  return ports
    .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
    .map(({ protocol = 'TCP', containerPort, hostPort, hostIP = '' }) => ({
      protocol,
      containerPort,
      hostPort: hostPort!,
      hostIp: hostIP,
    }));
}
