/** Every bound of the etcd face that is not configured. */
export const etcdLimits = {
  /** Operations and comparisons of a transaction with all those within it; etcd has no such bound. */
  txnTotalOpsMax: 4_096,
  /** Bytes of responses that one watch stream may have under way; beyond it its watchers read from history later. */
  watchStreamBufferBytes: 1024 * 1024,
  /** Watches of one stream. */
  watchesPerStreamMax: 65_536,
  /** What every response is counted with beside its keys and values, in bytes. */
  responseOverheadBytes: 64,
  /** Fragments of a watch response are cut at the largest request plus this, in bytes; etcd's figure. */
  fragmentOverheadBytes: 512 * 1024,
  /** Election timeouts without a leader after which streams that require one are ended; etcd's figure. */
  leaderLossElectionTimeouts: 3,
  /** Expired leases whose revocation is proposed at once. */
  leaseRevocationsInFlightMax: 16,
  /** After a revocation that could not be proposed. */
  leaseRevocationRetryMs: 500,
  /** Added to two election timeouts: how long a call that only the leader answers is tried again while leadership moves, and how often. etcd's figures. */
  leaderCallTimeoutBaseMs: 5_000,
  leaderCallRetryMs: 50,
  /** Renewals of one stream that are under way; the stream is not read beyond that. */
  renewalsPerStreamMax: 64,
  /** Attempts at an unused lease id. */
  leaseIdAttemptsMax: 3,
  /** What is written of a large response before others run: bytes, and key-values. */
  encodeBytesPerSlice: 1024 * 1024,
  encodeItemsPerSlice: 2_000,
  /** One part of a range that is answered in parts, beyond a single value that is larger; and keys that are looked at for it. */
  rangePartBytes: 64 * 1024,
  rangePartKeys: 2_000,
  /** Keys that are looked at before others run, when those beyond a limit are counted as they were earlier: a few milliseconds. */
  rangeCountKeysPerSlice: 5_000,
  /** Such ranges under way on this member; more are refused as too many requests. A client that takes no part for so long is given up. */
  rangeStreamsMax: 1_024,
  rangeStreamStallMs: 60_000,
  /** Keys that HashKV looks at before it lets others run. */
  hashKeysPerSlice: 2_000,
  /** Compactions that may interrupt one HashKV. */
  hashAttemptsMax: 5,
  /** Calls for a lock or an election that wait, and observers of elections; more are refused as too many requests. */
  waitersMax: 16_384,
  /** Of the lease that a lock or an election is given when its client names none; etcd's figure. */
  sessionTtlSeconds: 60,
  /** How often a request is tried again because users or roles changed under it. */
  authAttemptsMax: 8,
  /** Passwords that wait to be hashed, a tenth of a second of work each, and those of one address among them; more are refused as too many requests. */
  passwordsWaitingMax: 64,
  passwordsWaitingPerAddressMax: 16,
  /** Alarms that are raised at once: two for each member, and what clients raise for members that they make up. */
  alarmsMax: 256,
  /** After a write, until a member looks whether it has room for more. */
  spaceCheckMs: 1_000,
  /** A timer may fire so much before its time by the monotonic clock. */
  timerEarlyMs: 1,
  /** The longest that a timer can sleep, in ms. */
  timerMsMax: 2 ** 31 - 1,
} as const;
