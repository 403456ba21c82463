import { Journal } from '@raftsman/journal';
import { configurationOf, createRaft, logIndex, memberId, type Message } from '@raftsman/raft';
import { createLogger } from '@raftsman/telemetry';
import { onTestFinished, vi } from 'vitest';
import { ReplicaError } from '../src/contract.js';
import { Applier } from '../src/replica/applier.js';
import { ReplicaHost } from '../src/replica/host.js';
import { LogKeeper } from '../src/replica/log-keeper.js';
import { noDirectory } from '../src/replica/members/directory.js';
import { Membership } from '../src/replica/members/membership.js';
import { Reconfigurer } from '../src/replica/members/reconfigurer.js';
import { Proposals } from '../src/replica/proposals.js';
import { Reads } from '../src/replica/reads.js';
import { TinyStateMachine, temporaryDirectory } from './replica-fixture.js';

export const self = memberId(1);
export const peers = [memberId(2), memberId(3)];

/** In time a member that is driven by the test, message by message, does nothing by itself. */
const never = { tickMs: 60_000, electionTicks: 1_000_000 };

/** One of three members, the test being the others, over a real journal whose writes end when the test lets them. */
export async function memberWithSlowDisk({ tickMs, electionTicks } = never) {
  const directory = await temporaryDirectory();
  const identity = { memberId: self, clusterId: 9, name: 'a' };
  const journal = await Journal.open(directory, identity, configurationOf([self, ...peers]));
  const logger = createLogger({ component: 'test', level: 'silent' });
  const stateMachine = new TinyStateMachine();
  const proposals = new Proposals({ origin: self, incarnation: 1, timeoutMs: 60_000 });
  const reads = new Reads({ timeoutMs: 60_000 });
  const applier = new Applier({
    stateMachine,
    journal,
    proposals,
    reads,
    logger,
    onConfiguration: () => undefined,
  });
  const logKeeper = new LogKeeper(journal, { snapshotCount: 1_000, catchUpEntries: 100 });
  const { hardState, state } = journal.recovered;
  const config = {
    id: self,
    electionTicks,
    heartbeatTicks: 1,
    preVote: true,
    checkQuorum: true,
    appendBytesMax: 1_024,
    inflightAppendsMax: 4,
    uncommittedBytesMax: 1_024,
    committedBytesMax: 1_024,
    random: () => 0,
  };
  const initial = { hardState, configuration: state.configuration, applied: logIndex(0) };
  const raft = createRaft(config, initial, logKeeper.log);
  const membership = new Membership(self, state.configuration, noDirectory);
  const sent: Message[] = [];
  const others = { hear: (_message: Message): void => undefined };
  let release = (): void => undefined;
  const disk = {
    gate: Promise.resolve(),
    busy: false,
    hold: (): void => void (disk.gate = new Promise((resolve) => (release = resolve))),
    release: (): void => release(),
  };
  const write = journal.write.bind(journal);
  vi.spyOn(journal, 'write').mockImplementation(async (group) => {
    const written = write(group);
    if (!group.sync) return written;
    disk.busy = true;
    await disk.gate;
    await written;
    disk.busy = false;
  });
  const host = new ReplicaHost({
    raft,
    journal,
    logKeeper,
    applier,
    proposals,
    reads,
    transport: {
      send: (messages) => {
        sent.push(...messages);
        for (const message of messages) others.hear(message);
      },
      sendSnapshot: async () => false,
      setPeers: () => undefined,
      forward: () => Promise.reject(new ReplicaError('no-leader')),
    },
    membership,
    reconfigurer: new Reconfigurer({
      raft,
      membership,
      timeoutMs: 60_000,
      self: { name: 'a', clientUrls: [] },
      logger,
    }),
    clusterId: 9,
    self,
    tickMs,
    electionTimeoutMs: electionTicks * tickMs,
    logger,
  });
  host.start();
  onTestFinished(async () => {
    disk.release();
    await host.stop();
    await journal.close();
  });
  return { host, stateMachine, sent, others, disk };
}
