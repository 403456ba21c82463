/** Every bound of the apiserver. Units are in the names. */
export const limits = {
  /** One attempt of an etcd call; doubles with every attempt up to the maximum, so that a slow disk converges. */
  etcdAttemptMs: 700,
  etcdAttemptMsMax: 4_000,
  /** One etcd call with all its attempts; then 504. */
  etcdCallMs: 10_000,
  /** Between rounds over all members. */
  etcdRoundPauseMs: 25,
  /** How often a member that failed is asked whether it is back. */
  etcdProbeMs: 500,
  /** How long a member may leave a probe unanswered. */
  etcdProbeTimeoutMs: 1_000,
  /** Keys of one Range while a cache fills or a list without limit is read. */
  etcdPageKeys: 1_000,
  /** Attempts of one update whose object keeps changing under it; then 409. */
  updateAttempts: 16,
  /** Pause before a broken etcd watch is opened again; doubles up to the maximum. */
  watchReopenMs: 20,
  watchReopenMsMax: 1_000,
  /** Events of one resource kept for watchers that resume. */
  cacheEvents: 1_024,
  /** Events that one watcher may lag behind before it is ended. */
  watcherQueueEvents: 1_000,
  /** Watchers of one resource; more get 429. */
  watchersPerResource: 10_000,
  /** Objects a watcher is handed in one go. */
  watcherBatchEvents: 128,
  /** Pause between bookmarks to a watcher that asked for them. */
  bookmarkMs: 60_000,
  /** timeoutSeconds of a watch that names none: between this and twice this, so that watchers do not all return at once. */
  watchTimeoutMs: 30 * 60_000,
  /** A request body, as in Kubernetes. etcd's own bound on a value is 1.5 MiB. */
  bodyBytesMax: 3 * 1024 * 1024,
  valueBytesMax: 1_572_864,
  /** Messages within messages of a protobuf body, and the fields of all of them. */
  protobufDepthMessages: 64,
  protobufFields: 65_536,
  headerBytesMax: 64 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  /** An HTTP/2 connection without a request and without traffic; as in Kubernetes. */
  idleTimeoutMs: 90_000,
  /** An answer is compressed from this size on. */
  gzipBytesMin: 128 * 1024,
  /** HTTP connections and their streams. */
  connections: 4_096,
  streamsPerConnection: 250,
  /** Requests that may run at once (watches and logs aside); more get 429. */
  requestsInFlight: 400,
  /** Events live this long in etcd. */
  eventTtlSeconds: 3_600,
  /** One lease is shared by the Events of this span and of this many keys. */
  eventLeaseSpanMs: 60_000,
  eventLeaseKeys: 1_000,
  /** The names that generateName tries. */
  generateNameAttempts: 8,
  /** Addresses and ports tried at random before the range is walked. */
  allocationAttempts: 16,
  /** Watchers of beats, and beats that one may lag behind. */
  beatWatchers: 64,
  beatQueue: 1_024,
  /** How often this apiserver refreshes its entry in the `kubernetes` EndpointSlice, and when one that does not is dropped. */
  masterLeaseSeconds: 15,
  masterRefreshMs: 5_000,
  /** Between compactions of etcd's history. */
  compactionMs: 300_000,
  /** Probes of `kubectl get componentstatuses` and of /readyz. */
  probeTimeoutMs: 1_500,
  /** How long an agent may take to start answering for a log. */
  agentConnectMs: 5_000,
  /** How long running requests have to end at shutdown. */
  drainMs: 5_000,
} as const;
