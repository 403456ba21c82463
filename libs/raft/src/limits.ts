/** Every bound of the core that no host chooses, with its unit. Those that a host tunes stand in RaftConfig. */

/** Reads that wait for their index, on one member. */
export const pendingReadsMax = 16_384;
/** What an entry costs besides its data, in bytes, so that empty ones count too. */
export const entryOverheadBytes = 32;
/** No number on the wire may exceed this: one more can still be counted exactly. */
export const numberMax = Number.MAX_SAFE_INTEGER - 1;
/** Ticks that a member waits at most before it acts on a broken connection to its leader, or on a new one without a leader; spreads the candidates. */
export const unreachableTicksMax = 2;

/** Ticks without an answer from a voter that keeps data, besides a heartbeat interval, after which witnesses are sent the log. */
export const witnessWakeTicks = 2;
/**
 * How many ticks an election timeout may be longer than the shortest (§3.4; §9.3: several times what a message takes). With pre-vote half is enough:
 * two that ask at once agree on who goes first, and what the spread costs is added to every election.
 */
export const electionSpreadTicks = (electionTicks: number, preVote: boolean): number =>
  preVote ? Math.ceil(electionTicks / 2) : electionTicks - 1;
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
