/** Every bound of the core, with its unit. Those that a host tunes stand in RaftConfig; these are what it may start from. */

/** Entries of one append: large enough to fill a link, small enough that a lost one costs little. */
export const appendBytesMaxDefault = 1 << 20;
/** Appends on their way to one follower: at 10 ms round trip and 1 MiB each, more than any link of ours carries. */
export const inflightAppendsMaxDefault = 64;
/** Entries proposed and not committed yet: what a leader that lost its majority may hold in memory. */
export const uncommittedBytesMaxDefault = 32 << 20;
/** Committed entries of one Ready: what the host applies before it looks at the network again. */
export const committedBytesMaxDefault = 4 << 20;

/** Reads that wait for their index, on one member. */
export const pendingReadsMax = 16_384;
/** What an entry costs besides its data, in bytes, so that empty ones count too. */
export const entryOverheadBytes = 32;
/** No number on the wire may exceed this: one more can still be counted exactly. */
export const numberMax = Number.MAX_SAFE_INTEGER - 1;
/** Ticks that a follower waits at most before it acts on a broken connection to its leader; spreads the candidates. */
export const unreachableTicksMax = 2;

/** Ticks without an answer from a voter that keeps data, besides a heartbeat interval, after which witnesses are sent the log. */
export const witnessWakeTicks = 2;
/** How much longer than others a witness waits before it runs: it cannot serve, and who can should go first. */
export const witnessDelayTicks = (electionTicks: number): number => electionTicks;
/** Members of one cluster, learners among them: quorums are counted quadratically. */
export const membersMax = 64;
/** What the host writes into a configuration about its members, in bytes. */
export const directoryBytesMax = 256 << 10;
/** Of the leader's log, what a learner must hold before it may vote: as in etcd. */
export const learnerReadyShare = 0.9;
/** Of a promise, what a leader leaves unused: two clocks may differ so much in speed, and a stamp be a millisecond off. */
export const leaseMarginShare = 0.1;
