import type { ContainerConfig as CriContainerConfig } from '@raftsman/proto/gen/runtime/v1/ContainerConfig.js';
import type { LinuxContainerSecurityContext } from '@raftsman/proto/gen/runtime/v1/LinuxContainerSecurityContext.js';
import type { Mount as CriMount } from '@raftsman/proto/gen/runtime/v1/Mount.js';
import type { NamespaceOption } from '@raftsman/proto/gen/runtime/v1/NamespaceOption.js';
import type { PodSandboxConfig as CriSandboxConfig } from '@raftsman/proto/gen/runtime/v1/PodSandboxConfig.js';
import type { ContainerConfig, Mount, PodSandboxConfig } from '../runtime.js';

/** Paths of /proc and /sys that Kubernetes hides from, or shows read-only to, containers that are not privileged. */
const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const namespaces = (sandbox: PodSandboxConfig): NamespaceOption => ({
  network: sandbox.hostNetwork ? 'NODE' : 'POD',
  pid: sandbox.hostPid ? 'NODE' : sandbox.sharedPid ? 'POD' : 'CONTAINER',
  ipc: sandbox.hostIpc ? 'NODE' : 'POD',
});

/** Pure. */
export function encodeSandbox(sandbox: PodSandboxConfig): CriSandboxConfig {
  return {
    metadata: sandbox.metadata,
    // A sandbox on the host's network has the host's name.
    hostname: sandbox.hostNetwork ? '' : sandbox.hostname,
    logDirectory: sandbox.logDirectory,
    labels: sandbox.labels,
    annotations: sandbox.annotations,
    ...(sandbox.dns === undefined
      ? {}
      : {
          dnsConfig: {
            servers: [...sandbox.dns.servers],
            searches: [...sandbox.dns.searches],
            options: [...sandbox.dns.options],
          },
        }),
    portMappings: [...sandbox.portMappings],
    linux: {
      sysctls: sandbox.sysctls,
      securityContext: {
        namespaceOptions: namespaces(sandbox),
        privileged: sandbox.privileged,
        seccomp: { profileType: 'RuntimeDefault' },
      },
    },
  };
}

/** Pure. */
export function encodeContainer(config: ContainerConfig, sandbox: PodSandboxConfig): CriContainerConfig {
  const { resources } = config;
  return {
    metadata: config.metadata,
    image: { image: config.imageRef },
    command: [...config.command],
    args: [...config.args],
    workingDir: config.workingDir,
    envs: config.env.map(({ name, value }) => ({ key: name, value })),
    mounts: config.mounts.map(encodeMount),
    labels: config.labels,
    annotations: config.annotations,
    logPath: config.logPath,
    stdin: config.stdin,
    stdinOnce: config.stdinOnce,
    tty: config.tty,
    linux: {
      resources: {
        cpuPeriod: resources.cpuPeriodUs,
        cpuQuota: resources.cpuQuotaUs,
        cpuShares: resources.cpuShares,
        memoryLimitInBytes: resources.memoryLimitBytes,
        oomScoreAdj: resources.oomScoreAdj,
      },
      securityContext: encodeSecurity(config, sandbox),
    },
  };
}

function encodeSecurity(
  { security }: ContainerConfig,
  sandbox: PodSandboxConfig,
): LinuxContainerSecurityContext {
  return {
    privileged: security.privileged,
    readonlyRootfs: security.readOnlyRootFilesystem,
    noNewPrivs: security.noNewPrivileges,
    capabilities: {
      addCapabilities: [...security.addCapabilities],
      dropCapabilities: [...security.dropCapabilities],
    },
    namespaceOptions: namespaces(sandbox),
    ...(security.runAsUser === undefined ? {} : { runAsUser: { value: security.runAsUser } }),
    ...(security.runAsGroup === undefined ? {} : { runAsGroup: { value: security.runAsGroup } }),
    supplementalGroups: [...security.supplementalGroups],
    seccomp: { profileType: security.seccomp },
    maskedPaths: security.privileged ? [] : maskedPaths,
    readonlyPaths: security.privileged ? [] : readonlyPaths,
  };
}

const propagations = {
  None: 'PROPAGATION_PRIVATE',
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
} as const;

const encodeMount = (mount: Mount): CriMount => ({
  containerPath: mount.containerPath,
  hostPath: mount.hostPath,
  readonly: mount.readOnly,
  propagation: propagations[mount.propagation],
});
