const mebibyte = 1024 * 1024;

/** Every bound of consensus and its transport in this process, with its unit. Those of the etcd face stand beside it. */
export const storeLimits = {
  /** Proposals that wait for their result on this member; more are refused as too-many-requests. */
  proposalsMax: 8_192,
  proposalBytesMax: 64 * mebibyte,
  /** Proposals that the core has and that are not applied yet; half of peerQueueBytesMax. */
  proposalsHandedBytesMax: 4 * mebibyte,
  /** One group that is handed to the core. */
  proposeGroupBytesMax: mebibyte,
  /** Reads that wait on this member, and rounds of them that are on their way. */
  readsMax: 65_536,
  readRoundsMax: 4,
  /** A round that was not answered is asked again. */
  readRetryMs: 500,
  /** Added to two election timeouts: how long a proposal or a read may wait. etcd's request timeout. */
  requestTimeoutBaseMs: 5_000,

  /** Applying lets the event loop run after so long, measured every so many entries. */
  applySliceMs: 5,
  applyCheckEntries: 16,
  /** What takes longer is counted. etcd's figure. */
  slowApplyMs: 100,
  /** Rows that are handed to the journal before the event loop runs: one entry may bring a million. */
  recordRowsPerSlice: 1_024,
  /** Applied rows that wait in memory for the next synced write. */
  waitingRowBytesMax: 8 * mebibyte,
  /** The log in memory and on disk: above, it is compacted to half before --snapshot-count says so. */
  logBytesMax: 64 * mebibyte,

  /** What the core may put into one append, and have on its way to one follower. */
  appendBytesMax: mebibyte,
  inflightAppendsMax: 16,
  uncommittedBytesMax: 32 * mebibyte,
  committedBytesMax: 4 * mebibyte,

  /** Messages that wait for a slow peer; the oldest appends go first, consensus repairs that. */
  peerQueueBytesMax: 8 * mebibyte,
  peerQueueMessagesMax: 4_096,
  /** Messages kept for a peer that is not connected: enough for an election, little that is stale. */
  peerOfflineMessagesMax: 64,
  /** One frame of the stream of messages, beyond a single message that is larger. */
  frameBytesMax: mebibyte,
  /** What a peer may send in one frame: an append of one oversized entry, and the wire's overhead. */
  receiveFrameBytesMax: 16 * mebibyte,
  /** Reconnects to a peer. */
  reconnectBackoffMinMs: 50,
  reconnectBackoffMaxMs: 500,
  /** Reconnects to a peer that refused us: only an operator can help. */
  refusedBackoffMs: 5_000,
  /** Members that were removed and whose ids are still known as such. */
  removedMembersMax: 256,
  /** What a request may say of one member: its peer URLs, and the length of each. */
  memberUrlsMax: 16,
  memberUrlLengthMax: 512,
  /** etcd's bound. */
  learnersMax: 1,
  /** Learners and witnesses among them. */
  membersMax: 64,
  /** Entries by which a learner may be behind the leader, as a share of them, to be promoted. etcd's figure. */
  learnerBehindShareMax: 0.1,
  /** Members that a member which is behind does not know yet, and that talk to it. */
  visitorsMax: 16,
  /** A TCP connection to a peer. One with several URLs is tried at the next one when it is not welcome at this one for so long. */
  dialTimeoutMs: 1_000,
  /** Changes of members that wait for the one that is under way. */
  memberChangesMax: 32,
  /** A removed member answers who waits before it ends. etcd's figure. */
  removedGraceMs: 1_000,
  /** Calls of this member's clients that wait for the leader's answer; more are refused as too-many-requests. */
  forwardedCallsMax: 8_192,
  /** The connection for them ends when there was none for so long. */
  forwardIdleMs: 60_000,
  /** A member that joins asks who the members are: how long it waits for one of them. */
  membersTimeoutMs: 2_000,
  /** A member that is rebuilt asks each of the others again so long after it asked in vain. */
  rebuildRetryMs: 1_000,
  /** The first frame of a stream must say who is there. */
  helloTimeoutMs: 5_000,
  /** That frame, and the answer: names, and some URLs of memberUrlLengthMax. */
  greetingBytesMax: 32 * 1024,
  /** Connections to the peer port that have not been welcome yet; more are closed as they come. */
  strangersMax: 64,
  /** The reason for which a stream is ended. */
  endDetailsBytesMax: 1024,
  /** A stream that was ended is closed after so long, if the other side has not closed it. */
  peerLingerMs: 2_000,
  /** Pings when there is nothing else: a dead link is noticed after their sum; a peer that merely stands still for a while keeps its connection. */
  peerKeepaliveTimeMs: 3_000,
  peerKeepaliveTimeoutMs: 5_000,
  /** How often that is looked at, for all streams together. */
  peerSweepMs: 1_000,

  /** One frame of a snapshot, beyond a single row that is larger. */
  snapshotFrameBytesMax: 256 * 1024,
  /** A snapshot whose receiver takes nothing for so long is given up. */
  snapshotStallMs: 15_000,
  /** What a cut stream leaves is kept so long on both sides, and longer only if the next one got further. */
  snapshotKeepMs: 30_000,
  /** States that are kept for peers whose stream was cut. */
  snapshotsKeptMax: 2,
  /** Frames that may have been sent and not been taken in: more than the buffers between two members hold. Streams go on at one of them. */
  snapshotMarksMax: 256,
  /** How long the receiver may take to bring it into use after the last frame. */
  snapshotInstallMs: 120_000,

  /** The most that --max-request-bytes may allow: with what goes around it, it fits into one frame between members. */
  requestBytesMax: 15 * mebibyte,
  /** gRPC's and protobuf's share of a client's largest request. etcd's figure. */
  requestOverheadBytes: 512 * 1024,
  /** --quota-backend-bytes=0: this share of V8's heap limit, and etcd's default at most (docs/decisions/0025). */
  quotaHeapShare: 0.5,
  quotaBackendBytesDefaultMax: 2048 * mebibyte,
  /** What keys and leases may take of V8's heap: so much of its limit, less what the process needs besides. */
  heldHeapShare: 0.8,
  heldHeapBesideBytes: 40 * mebibyte,
  /** Clients' calls that run when the process is told to stop. */
  drainMs: 2_000,
  /**
   * A leader hands over when one write has taken so many election timeouts, and so many milliseconds. An SD card may keep a write waiting for half a
   * second in its own housekeeping, another member's card does the same, and a change of leader costs a synced write on each of them. Clients wait
   * for requestTimeoutBaseMs more than that; a disk in trouble keeps a sync for many seconds.
   */
  stalledWriteElectionTimeouts: 2,
  stalledWriteMsMin: 1_000,
  /** A tick that comes so much late, in election timeouts, is worth a warning. */
  lateTickElectionTimeouts: 0.5,
} as const;
