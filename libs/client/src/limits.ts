/** Every bound of the controller kit, with its unit. */
export const clientLimits = {
  /** One try of a call on one apiserver; after it another apiserver is asked, if the call may be repeated. */
  attemptTimeoutMs: 2_500,
  /** One page of a list. */
  listTimeoutMs: 15_000,
  /** All tries of one call together. */
  callTimeoutMs: 8_000,
  /** Pause before a repeated call when every apiserver was tried; grows twofold. */
  retryBackoffMinMs: 25,
  retryBackoffMaxMs: 500,
  /** How long an apiserver that failed a call is asked last. */
  suspectMs: 1_000,
  /** HTTP/2 pings: a watch on an apiserver that vanished without a word breaks after the sum of both. */
  keepaliveTimeMs: 2_500,
  keepaliveTimeoutMs: 1_500,
  /** Objects in one page of a list; about 2 MiB of pods. */
  listPageObjects: 500,
  /** One server's answer may carry this much of a Status in its trailers. */
  statusDetailBytesMax: 64 * 1024,

  /** Informer: pause before list or watch are tried again, with ±50 % jitter. */
  relistBackoffMinMs: 50,
  relistBackoffMaxMs: 5_000,
  /** An attempt that lasted this long counts as good: the back-off starts over. */
  relistBackoffResetMs: 10_000,
  /** Objects that are handled before the event loop gets a turn. */
  informerBatchObjects: 200,

  /** Work queue: pause of the n-th requeue is base · 2ⁿ up to the max (client-go's defaults). */
  requeueBackoffBaseMs: 5,
  requeueBackoffMaxMs: 1_000_000,
  /** Keys in one queue. Keys are deduplicated, so that this is a bound on objects; beyond it the process has a leak. */
  workQueueKeysMax: 1_000_000,

  /** Leader election with beats: pause between two signs of life, and between two looks at whether the holder gives them. */
  leaderBeatIntervalMs: 500,
  /** A holder that was heard before and then gave no sign for this long is replaced although its Lease is not over. */
  leaderSilenceMs: 3_000,
  /** Two looks further apart than this mean that this process stood still. */
  leaderStallMs: 1_500,
  /** The Lease while beats work: Kubernetes' duration, hardly any writes. */
  beatingLeaseDurationMs: 15_000,
  beatingRenewDeadlineMs: 13_000,
  beatingRetryPeriodMs: 10_000,

  /** Events that wait to be sent; more are dropped and counted. */
  eventQueueMax: 1_000,
  /** Events that are remembered to raise their count instead of writing another one. */
  eventCacheMax: 1_024,
  /** Per object: so many Events at once, then one every eventRefillMs. */
  eventBurst: 25,
  eventRefillMs: 300_000,
  /** Objects whose budget is remembered. */
  eventBudgetsMax: 1_024,
  /** Different messages of one object and reason within eventAggregateMs before they become one. */
  eventAggregateMax: 10,
  eventAggregateMs: 600_000,
  /** Bytes of an Event's message (Kubernetes' own bound). */
  eventMessageBytesMax: 1_024,
} as const;
