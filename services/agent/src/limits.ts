/** Every bound of the agent, with its unit. Defaults that Kubernetes documents are Kubernetes'. */
export const agentLimits = {
  /** Restart back-off of a crashing container: doubles from the first to the second, forgotten after the third. */
  crashBackoffInitialMs: 10_000,
  crashBackoffMaxMs: 300_000,
  crashBackoffResetMs: 600_000,
  /** Back-off of failed image pulls. */
  imageBackoffInitialMs: 10_000,
  imageBackoffMaxMs: 300_000,
  /** A sync that failed (sandbox, volume, container config) is tried again, doubling. */
  syncRetryInitialMs: 1_000,
  syncRetryMaxMs: 10_000,
  /** How stale a configMap, secret or downwardAPI volume may be. */
  volumeRefreshMs: 60_000,
  /** All files of one configMap, secret, downwardAPI or projected volume. */
  volumePayloadBytesMax: 4 * 1024 * 1024,
  /** A container's environment, all variables together; execve takes about 2 MiB with the arguments. */
  environmentBytesMax: 1024 * 1024,
  /** Between two looks at a CRI runtime's list of containers, as kubelet's relist. */
  relistIntervalMs: 1_000,
  /** One CRI call, unless it waits for something named. */
  criCallTimeoutMs: 120_000,
  imagePullTimeoutMs: 15 * 60_000,
  /** Added to a container's grace period before the runtime's answer is given up. */
  stopMarginMs: 15_000,
  /** A container's log file is moved aside at this size; one older file is kept. */
  containerLogBytesMax: 10 * 1024 * 1024,
  containerLogCheckMs: 10_000,
  /** One record of a log file; longer lines are cut into several, tagged partial. */
  logRecordBytesMax: 16 * 1024,
  /** Block in which a log is read. */
  logBlockBytes: 64 * 1024,
  /** How often a follower looks whether its container still runs. */
  logFollowPollMs: 500,
  /** A connection that has not ended its handshake, or its request, by then is closed. */
  headersTimeoutMs: 10_000,
  /** Connections to the agent's HTTPS; more are closed at once. */
  connectionsMax: 256,
  /** Readers of logs at one time; the next one is answered 429. */
  logReadersMax: 64,
  /** Output of one exec (probe, hook) that is kept. */
  execOutputBytesMax: 64 * 1024,
  /** A postStart hook has this long; Kubernetes sets no bound. */
  postStartTimeoutMs: 120_000,
  /** The first pause between two tries of a probe whose success is awaited; they double up to its period. */
  probeExtraDelayMs: 250,
  /** What of a probe's output goes into an Event. */
  probeMessageCharsMax: 1_024,
  /** A container's termination message. */
  terminationMessageBytesMax: 4_096,
  /** The end of its log, where that stands in for the message. */
  terminationLogBytesMax: 2_048,
  terminationLogLinesMax: 80,
  /** Retries of writes to the API. */
  writeRetryInitialMs: 200,
  writeRetryMaxMs: 10_000,
  writesInFlightMax: 8,
  /** Between two writes of the Node. */
  nodeWriteIntervalMinMs: 1_000,
  /** How long a node's status may be wrong after something local changed (disk, memory, runtime). */
  nodePressureCheckMs: 10_000,
  /** Free below which a pressure condition is set, as kubelet's hard eviction thresholds. */
  memoryPressureBytes: 100 * 1024 * 1024,
  diskPressureFraction: 0.1,
  pidPressureFraction: 0.05,
  /** When the agent ends: how long running syncs may take. */
  shutdownMs: 5_000,
} as const;
