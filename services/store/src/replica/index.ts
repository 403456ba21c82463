import { randomInt } from 'node:crypto';
import { Journal } from '@raftsman/journal';
import { configurationOf, createRaft, logIndex, type MemberId } from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import type { Member, Replica, StateMachine } from '../contract.js';
import { storeLimits } from '../limits.js';
import type { ListenAddress } from '../listen.js';
import { Applier } from './applier.js';
import { ReplicaHost } from './host.js';
import { clusterIdOf, memberIdOf } from './identity.js';
import { LogKeeper } from './log-keeper.js';
import type { PeerAddress } from './peers/client.js';
import type { PeerIdentity } from './peers/hello.js';
import { PeerTransport } from './peers/transport.js';
import { Proposals } from './proposals.js';
import { Reads } from './reads.js';
import { rebuild } from './rebuild.js';

/** One member as all members know it. */
export interface ReplicaMember {
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** How to reach it; not used for oneself. */
  readonly address: Pick<PeerAddress, 'target' | 'security'>;
}

export interface ReplicaOptions {
  readonly name: string;
  /** All members of the cluster, this one among them. */
  readonly members: readonly ReplicaMember[];
  readonly clusterToken: string;
  readonly clientUrls: readonly string[];
  readonly dataDirectory: string;
  /** An empty data directory is that of a member that lost it: see rebuild.ts. Starting takes until all others have answered. */
  readonly rebuild: boolean;
  readonly listeners: readonly ListenAddress[];
  readonly heartbeatIntervalMs: number;
  readonly electionTimeoutMs: number;
  readonly snapshotCount: number;
  readonly snapshotCatchUpEntries: number;
  readonly stateMachine: StateMachine;
  readonly logger: Logger;
  /** Ends the wait for the others; startReplica rejects then. */
  readonly signal?: AbortSignal;
}

export interface RunningReplica {
  readonly replica: Replica;
  /** Rejects when the replica cannot go on; the process must end. Never resolves. */
  readonly failed: Promise<never>;
  /** Gives leadership to another member, if this one has it and there is one. */
  handOver(): Promise<void>;
  /** Refuses those who wait, writes what waits, and closes the data directory. */
  stop(): Promise<void>;
}

/** Opens the data directory, restores the state machine and joins the others. Rejects with JournalError or ListenError. */
export async function startReplica(options: ReplicaOptions): Promise<RunningReplica> {
  const { members, clusterToken, dataDirectory, stateMachine, logger } = options;
  const ids = new Map(members.map((member) => [member.name, memberIdOf(member, clusterToken)]));
  const self = ids.get(options.name);
  if (self === undefined) throw new TypeError(`${options.name} is not among the members`);
  const clusterId = clusterIdOf(members, clusterToken);
  const identity = { memberId: self, clusterId, name: options.name };
  const voters = [...ids.values()];
  const journal = await Journal.open(dataDirectory, identity, configurationOf(voters), options.rebuild);
  try {
    const { peers, identity: ours } = peersOf(options, ids, self, clusterId, journal);
    if (journal.recovered.rebuild?.until === null)
      await rebuild(peers, ours, journal, logger, options.signal);
    await stateMachine.restore(journal.rows());
    return await join(options, ids, self, clusterId, journal);
  } catch (error) {
    await journal.close();
    throw error;
  } finally {
    logger.debug({ fresh: journal.recovered.fresh }, 'data directory opened');
  }
}

async function join(
  options: ReplicaOptions,
  ids: ReadonlyMap<string, MemberId>,
  self: MemberId,
  clusterId: number,
  journal: Journal,
): Promise<RunningReplica> {
  const { logger, stateMachine } = options;
  const timeoutMs = storeLimits.requestTimeoutBaseMs + 2 * options.electionTimeoutMs;
  const incarnation = randomInt(2 ** 48 - 1);
  const proposals = new Proposals({ origin: self, incarnation, timeoutMs });
  const reads = new Reads({ timeoutMs });
  const applier = new Applier({ stateMachine, journal, proposals, reads, logger });
  const logKeeper = new LogKeeper(journal, {
    snapshotCount: options.snapshotCount,
    catchUpEntries: options.snapshotCatchUpEntries,
  });
  const transport = createTransport(options, ids, self, clusterId, journal);
  const raft = createCore(options, self, journal, logKeeper);
  const memberList = (): readonly Member[] =>
    options.members.map(({ name, peerUrls }) => {
      const id = ids.get(name)!;
      const clientUrls = id === self ? options.clientUrls : transport.clientUrlsOf(id);
      return { id, name, peerUrls, clientUrls, isLearner: false, isWitness: false };
    });
  const host = new ReplicaHost({
    raft,
    journal,
    logKeeper,
    applier,
    proposals,
    reads,
    transport,
    members: memberList,
    clusterId,
    tickMs: options.heartbeatIntervalMs,
    electionTimeoutMs: options.electionTimeoutMs,
    logger,
  });
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
    handOver: () => host.handOver(),
    stop: async () => {
      await host.stop();
      await transport.close();
      await journal.close();
    },
  };
}

function createTransport(
  options: ReplicaOptions,
  ids: ReadonlyMap<string, MemberId>,
  self: MemberId,
  clusterId: number,
  journal: Journal,
): PeerTransport {
  const { listeners, logger } = options;
  const { peers, identity } = peersOf(options, ids, self, clusterId, journal);
  return new PeerTransport({ identity, peers, listeners, journal, logger });
}

function peersOf(
  { name, clientUrls, members }: ReplicaOptions,
  ids: ReadonlyMap<string, MemberId>,
  self: MemberId,
  clusterId: number,
  { recovered }: Journal,
): { readonly peers: readonly PeerAddress[]; readonly identity: PeerIdentity } {
  const peers = members
    .filter((member) => member.name !== name)
    .map((member): PeerAddress => ({ id: ids.get(member.name)!, name: member.name, ...member.address }));
  const { dataId } = recovered;
  const peerIds = new Set(peers.map(({ id }) => id));
  return { peers, identity: { clusterId, self, name, clientUrls, dataId, peers: peerIds } };
}

/** A tick is a heartbeat interval. */
function createCore(options: ReplicaOptions, self: MemberId, journal: Journal, { log }: LogKeeper) {
  const { hardState, state, rebuild: rebuilt } = journal.recovered;
  const { appendBytesMax, inflightAppendsMax, uncommittedBytesMax, committedBytesMax } = storeLimits;
  const config = {
    id: self,
    electionTicks: Math.max(2, Math.round(options.electionTimeoutMs / options.heartbeatIntervalMs)),
    heartbeatTicks: 1,
    preVote: true,
    checkQuorum: true,
    appendBytesMax,
    inflightAppendsMax,
    uncommittedBytesMax,
    committedBytesMax,
    random: (below: number) => (below <= 1 ? 0 : randomInt(below)),
  };
  const rebuildUntil = rebuilt?.until ?? logIndex(0);
  const { configuration, index } = state;
  const initial = { hardState, configuration, applied: logIndex(index), rebuildUntil };
  return createRaft(config, initial, log);
}
