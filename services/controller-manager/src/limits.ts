/** Every bound of the controllers, with its unit. */
export const controllerLimits = {
  /** Keys that one controller reconciles at a time. */
  workers: 5,
  /** Pods that one reconcile of a ReplicaSet creates or deletes (Kubernetes' burstReplicas). */
  burstReplicas: 500,
  /** First batch of pod creations; each next one doubles while all succeed. */
  slowStartInitialPods: 1,
  /** A pod that was created or deleted and never shows in the cache is waited for this long. */
  expectationTimeoutMs: 60_000,
  /** Endpoints in one EndpointSlice (Kubernetes' --max-endpoints-per-slice). */
  endpointsPerSliceMax: 100,
  /** Pods of one service change together: their changes are taken in one reconcile. */
  endpointBatchMs: 20,
  /** A node is judged this often; well below the grace period. */
  nodeMonitorPeriodMs: 250,
  /** A silent node's pods are left alone for this long, to see whether others fall silent with it; two beats. */
  silenceSettleMs: 1_000,
  /** Longer than this between two looks at the beats: this process stood still, and the nodes are not to blame. */
  stallMs: 1_500,
  /** Share of the nodes that fell silent together at which nothing is evicted (Kubernetes' --unhealthy-zone-threshold). */
  unhealthyShare: 0.55,
  /** With this many silent nodes or fewer the share says nothing. */
  unhealthyNodesMin: 2,
  /** Parallel writes when the pods of one node or the content of a namespace go. */
  parallelWrites: 16,
  /** Pods that finished are kept up to this number (Kubernetes' --terminated-pod-gc-threshold). */
  terminatedPodsMax: 12_500,
  /** How often pods are looked through for those nobody needs. */
  podGcPeriodMs: 20_000,
  /** A pod whose node does not exist is kept this long: the node may be registering anew. */
  orphanPodQuarantineMs: 40_000,
  /** A terminating namespace with content that waits for others is looked at again after this. */
  namespaceRetryMs: 500,
  /** Owners that were found not to exist, remembered by uid. */
  absentOwnersMax: 500,
} as const;
