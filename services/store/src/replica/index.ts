import { randomInt } from 'node:crypto';
import { uptime } from 'node:os';
import type { Journal, RebuildRecord } from '@raftsman/journal';
import { createRaft, logIndex, numberMax, term, type Raft, type Rebuild } from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import type { Replica, StateMachine } from '../contract.js';
import { storeLimits } from '../limits.js';
import type { ListenAddress } from '../listen.js';
import { Applier } from './applier.js';
import { ReplicaHost } from './host.js';
import type { InitialMember } from './identity.js';
import { LogKeeper } from './log-keeper.js';
import type { ReplicaMeasurements } from './measurements.js';
import type { Membership } from './members/membership.js';
import { Reconfigurer } from './members/reconfigurer.js';
import type { PeerTarget } from './peers/client.js';
import type { PeerTraffic } from './peers/traffic.js';
import { PeerTransport } from './peers/transport.js';
import { Proposals } from './proposals.js';
import { Reads } from './reads.js';
import { openMember, type Opened } from './start.js';

export interface ReplicaOptions {
  readonly name: string;
  /** With an empty data directory: the members of the cluster, this one among them. Afterwards the directory knows better. */
  readonly initialMembers: readonly InitialMember[];
  /** `existing`: with an empty data directory this member was added to a cluster, or lost its disk. Starting takes until enough others have answered. */
  readonly initialState: 'new' | 'existing';
  /** Throws ConfigError if the flags are not fit for an empty data directory. */
  readonly checkFirstStart: () => void;
  readonly clusterToken: string;
  readonly clientUrls: readonly string[];
  /** What this member tells those who do not know it yet. */
  readonly peerUrls: readonly string[];
  /** Where peer URLs lead; those that cannot be dialled are left out. */
  readonly targetsOf: (peerUrls: readonly string[]) => readonly PeerTarget[];
  readonly dataDirectory: string;
  readonly listeners: readonly ListenAddress[];
  readonly heartbeatIntervalMs: number;
  readonly electionTimeoutMs: number;
  /** See StoreConfig. */
  readonly readLease: boolean;
  readonly snapshotCount: number;
  readonly snapshotCatchUpEntries: number;
  /** A witness leaves it empty. */
  readonly stateMachine: StateMachine;
  readonly logger: Logger;
  /** Ends the wait for the others; startReplica rejects then. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunningReplica {
  readonly replica: Replica;
  /** Rejects when the replica cannot go on; the process must end. Never resolves. */
  readonly failed: Promise<never>;
  measurements(): ReplicaMeasurements;
  /** With each peer. */
  traffic(): readonly PeerTraffic[];
  /** Gives leadership to another member, if this one has it and there is one. */
  handOver(): Promise<void>;
  /** Refuses those who wait, writes what waits, and closes the data directory. */
  stop(): Promise<void>;
}

/**
 * Opens the data directory, restores the state machine and joins the others. Rejects with JournalError, ListenError, ConfigError or
 * RemovedError.
 */
export async function startReplica(options: ReplicaOptions): Promise<RunningReplica> {
  const opened = await openMember(options);
  const { journal, membership } = opened;
  const { fresh, cutTail } = journal.recovered;
  options.logger.debug({ fresh }, 'data directory opened');
  if (cutTail !== null)
    options.logger.warn({ cut: cutTail }, 'a write that never came to its end was cut off the log');
  try {
    if (!membership.isWitness) await options.stateMachine.restore(journal.rowBatches());
    return await join(options, opened);
  } catch (error) {
    await journal.close();
    throw error;
  }
}

async function join(options: ReplicaOptions, opened: Opened): Promise<RunningReplica> {
  const { journal, identity } = opened;
  const { listeners, targetsOf, logger } = options;
  const transport = new PeerTransport({ identity, listeners, targetsOf, journal, logger });
  const host = createHost(options, opened, transport);
  try {
    await transport.start(host);
  } catch (error) {
    await transport.close();
    throw error;
  }
  host.start();
  return {
    replica: host,
    failed: host.failed,
    measurements: () => host.measurements(),
    traffic: () => transport.traffic(),
    handOver: () => host.handOver(),
    stop: async () => {
      await host.stop();
      await transport.close();
      await journal.close();
    },
  };
}

function createHost(
  options: ReplicaOptions,
  { journal, membership, identity }: Opened,
  transport: PeerTransport,
): ReplicaHost {
  const { logger, clientUrls, name, electionTimeoutMs } = options;
  const timeoutMs = storeLimits.requestTimeoutBaseMs + 2 * electionTimeoutMs;
  const incarnation = randomInt(2 ** 48 - 1);
  const proposals = new Proposals({ origin: membership.self, incarnation, timeoutMs });
  const reads = new Reads({ timeoutMs });
  const { isWitness } = membership;
  const applier = new Applier({
    stateMachine: isWitness ? null : options.stateMachine,
    journal,
    proposals,
    reads,
    logger,
    onConfiguration: (configuration) => host.configurationApplied(configuration),
  });
  const logKeeper = new LogKeeper(journal, {
    snapshotCount: options.snapshotCount,
    catchUpEntries: options.snapshotCatchUpEntries,
  });
  const raft = createCore(options, membership, journal, logKeeper);
  const reconfigurer = new Reconfigurer({ raft, membership, timeoutMs, self: { name, clientUrls }, logger });
  const host: ReplicaHost = new ReplicaHost({
    raft,
    journal,
    logKeeper,
    applier,
    proposals,
    reads,
    transport,
    membership,
    reconfigurer,
    clusterId: identity.clusterId,
    self: identity.self,
    tickMs: options.heartbeatIntervalMs,
    electionTimeoutMs,
    logger,
  });
  return host;
}

/** Since the machine was started, in steps of 10 ms: goes on while the process, or the machine, sleeps, and no one sets it. */
const bootTimeMs = (): number => Math.round(uptime() * 1_000);

/** Known by now (start.ts). An earlier version did not write the term down: none is late enough then. */
const rebuildOf = ({ until, from }: RebuildRecord): Rebuild => ({
  until: until ?? logIndex(0),
  from: from ?? term(numberMax),
});

/** A tick is a heartbeat interval. */
function createCore(
  options: ReplicaOptions,
  { self, isWitness }: Membership,
  journal: Journal,
  { log }: LogKeeper,
): Raft {
  const { hardState, state, rebuild: rebuilt } = journal.recovered;
  const { appendBytesMax, inflightAppendsMax, uncommittedBytesMax, committedBytesMax } = storeLimits;
  const config = {
    id: self,
    electionTicks: Math.max(2, Math.round(options.electionTimeoutMs / options.heartbeatIntervalMs)),
    heartbeatTicks: 1,
    preVote: true,
    checkQuorum: true,
    witness: isWitness,
    ...(options.readLease && { readLease: { nowMs: bootTimeMs, promiseMs: options.electionTimeoutMs } }),
    appendBytesMax,
    inflightAppendsMax,
    uncommittedBytesMax,
    committedBytesMax,
    random: (below: number) => (below <= 1 ? 0 : randomInt(below)),
  };
  const { configuration, index } = state;
  const initial = { hardState, configuration, applied: logIndex(index) };
  return createRaft(config, { ...initial, ...(rebuilt !== null && { rebuild: rebuildOf(rebuilt) }) }, log);
}
