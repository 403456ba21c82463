/**
 * The one interface between the agent and whatever runs containers, in the shape of the Container Runtime Interface:
 * a pod is a sandbox (its network identity) and containers in it. Every runtime passes test/runtime-conformance.ts.
 *
 * Times are milliseconds since 1970. Ids are the runtime's own. Every method may reject with a `RuntimeError`.
 */
export interface Runtime {
  /** The prefix of `containerID` in a pod's status: "containerd", "process". */
  readonly name: string;
  /** Whether containers come from images; if not, images are neither pulled nor looked for. */
  readonly usesImages: boolean;
  /** Whether mounts appear at their container path; if not, see the runtime's README on how volumes are reached. */
  readonly mountsVolumes: boolean;

  version(): Promise<RuntimeVersion>;
  status(): Promise<readonly RuntimeCondition[]>;
  /** Where pods' addresses come from. Idempotent. */
  updateRuntimeConfig(config: { readonly podCidr: string }): Promise<void>;

  /** Creates and starts a sandbox; it is ready when this resolves. Answers its id. */
  runPodSandbox(config: PodSandboxConfig): Promise<string>;
  /** Kills what still runs in it and gives its address back. Idempotent; an unknown id is no error. */
  stopPodSandbox(sandboxId: string): Promise<void>;
  /** Forgets it and its containers. Idempotent; an unknown id is no error. */
  removePodSandbox(sandboxId: string): Promise<void>;
  /** Rejects NotFound. */
  podSandboxStatus(sandboxId: string): Promise<PodSandboxStatus>;
  listPodSandboxes(filter?: RuntimeFilter): Promise<readonly PodSandboxSummary[]>;

  createContainer(sandboxId: string, config: ContainerConfig, sandbox: PodSandboxConfig): Promise<string>;
  startContainer(containerId: string): Promise<void>;
  /** SIGTERM, and SIGKILL after `timeoutSeconds` (0: at once). Resolves once it is gone. Idempotent. */
  stopContainer(containerId: string, timeoutSeconds: number): Promise<void>;
  /** Kills it first if it runs. Idempotent; an unknown id is no error. */
  removeContainer(containerId: string): Promise<void>;
  /** Rejects NotFound. */
  containerStatus(containerId: string): Promise<ContainerStatus>;
  listContainers(filter?: RuntimeFilter): Promise<readonly ContainerSummary[]>;
  /** Makes the runtime write to a new file after the old one was moved aside. */
  reopenContainerLog(containerId: string): Promise<void>;
  /** Runs a command beside the container's own. Rejects DeadlineExceeded after `timeoutMs`. */
  execSync(containerId: string, command: readonly string[], timeoutMs: number): Promise<ExecResult>;

  imageStatus(image: string): Promise<ImageStatus | undefined>;
  /** Answers the image's reference. `signal` gives it up. */
  pullImage(image: string, auth: ImageAuth | undefined, signal: AbortSignal): Promise<string>;

  /** Calls back with the uid of a pod whose sandbox or containers changed by themselves. Ends with `signal`. */
  watch(changed: (podUid: string) => void, signal: AbortSignal): void;
  /** Lets go of connections. The process runtime kills its pods: they cannot outlive it. */
  close(): Promise<void>;
}

export type RuntimeErrorCode =
  'NotFound' | 'InvalidArgument' | 'FailedPrecondition' | 'DeadlineExceeded' | 'Unavailable' | 'Internal';

/** What a runtime refuses or fails. `reason`: a more exact word for a container's waiting state, where there is one. */
export class RuntimeError extends Error {
  readonly code: RuntimeErrorCode;
  readonly reason: string | undefined;

  constructor(code: RuntimeErrorCode, message: string, options: ErrorOptions & { reason?: string } = {}) {
    super(message, options);
    this.name = 'RuntimeError';
    this.code = code;
    this.reason = options.reason;
  }
}

export const isNotFound = (error: unknown): boolean =>
  error instanceof RuntimeError && error.code === 'NotFound';

export interface RuntimeVersion {
  readonly name: string;
  readonly version: string;
}

export interface RuntimeCondition {
  readonly type: 'RuntimeReady' | 'NetworkReady';
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export type Labels = Readonly<Record<string, string>>;

/** All given parts must match. */
export interface RuntimeFilter {
  readonly podUid?: string;
}

export interface PodSandboxMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
}

export interface PodSandboxConfig {
  readonly metadata: PodSandboxMetadata;
  readonly hostname: string;
  /** Directory of the containers' log files. */
  readonly logDirectory: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly hostIpc: boolean;
  readonly sharedPid: boolean;
  readonly privileged: boolean;
  /** Absent: the node's. */
  readonly dns?: DnsConfig;
  readonly portMappings: readonly PortMapping[];
  readonly sysctls: Labels;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp: string;
}

export interface PodSandboxSummary {
  readonly id: string;
  readonly metadata: PodSandboxMetadata;
  readonly ready: boolean;
  readonly createdAtMs: number;
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface PodSandboxStatus extends PodSandboxSummary {
  /** Empty for a sandbox on the host's network. */
  readonly ips: readonly string[];
}

export interface ContainerConfig {
  readonly metadata: { readonly name: string; readonly attempt: number };
  readonly image: string;
  /** What the runtime runs: `imageStatus().id`, or `image` where images are not used. */
  readonly imageRef: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** Empty: the image's. */
  readonly workingDir: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Below the sandbox's log directory. */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly resources: ContainerResources;
  readonly security: ContainerSecurity;
}

export interface Mount {
  /** The volume's name in the pod; empty for files that the agent adds by itself. */
  readonly volume: string;
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readOnly: boolean;
  readonly propagation: 'None' | 'HostToContainer' | 'Bidirectional';
}

/** Linux' units: see linux-resources.ts for how requests and limits become these. 0: not set. */
export interface ContainerResources {
  readonly cpuPeriodUs: number;
  readonly cpuQuotaUs: number;
  readonly cpuShares: number;
  readonly memoryLimitBytes: number;
  readonly oomScoreAdj: number;
}

export interface ContainerSecurity {
  readonly privileged: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly noNewPrivileges: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly supplementalGroups: readonly number[];
  readonly seccomp: 'RuntimeDefault' | 'Unconfined';
}

export type ContainerState = 'created' | 'running' | 'exited' | 'unknown';

export interface ContainerSummary {
  readonly id: string;
  readonly sandboxId: string;
  readonly metadata: { readonly name: string; readonly attempt: number };
  readonly state: ContainerState;
  readonly createdAtMs: number;
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface ContainerStatus extends ContainerSummary {
  readonly image: string;
  readonly imageRef: string;
  /** 0: not yet. */
  readonly startedAtMs: number;
  /** 0: not yet; else not before the start. */
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  /** Absolute. */
  readonly logPath: string;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ImageStatus {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly sizeBytes: number;
  /** Whom the image runs as unless the pod says otherwise; at most one of the two. */
  readonly uid?: number;
  readonly username?: string;
}

export interface ImageAuth {
  readonly username: string;
  readonly password: string;
  readonly serverAddress: string;
}
