/** Every bound of the store. */
export const mvccLimits = {
  /** Keys in one leaf of the index, and leaves in one of its groups; a full one is split. */
  indexLeafKeysMax: 64,
  indexGroupLeavesMax: 64,
  /** Versions that one step of sorting them by key looks at; fewer than the second figure are compared. */
  sortVersionsPerStep: 8_192,
  sortGroupVersionsMin: 32,
  /** Above, the rows of one command's changes are made while they are read, not all at once. */
  eagerRowsMax: 256,
  /** Changes in one chunk of the event log. */
  logChunkEntriesMax: 1024,
  /** Changes that one applied command compacts physically. */
  compactionEntriesPerStep: 512,
  /** Transactions within transactions; the service's bound on operations is the tighter one. */
  txnDepthMax: 256,
  /** Seconds; etcd's bound. */
  leaseTtlSecondsMax: 9_000_000_000,
  /** Changes that one step of catching up reads for one watcher, and bytes of keys and values it hands over (a revision stays whole). */
  catchUpEntriesPerStep: 4096,
  catchUpBytesPerStep: 512 * 1024,
  /** Appointments of revoked leases that the lease clock may hold beyond twice the leases. */
  leaseAppointmentsSlack: 64,
  /** Largest magnitude of a number in a command: revisions and versions stay far below. */
  numberMax: 2 ** 52,
} as const;
