import { Journal } from '@raftsman/journal';
import {
  configurationOf,
  createRaft,
  logIndex,
  memberId,
  term,
  type Entry,
  type Message,
} from '@raftsman/raft';
import { createLogger } from '@raftsman/telemetry';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Applier } from '../src/replica/applier.js';
import { encodeEnvelope } from '../src/replica/envelope.js';
import { ReplicaHost } from '../src/replica/host.js';
import { LogKeeper } from '../src/replica/log-keeper.js';
import { noDirectory } from '../src/replica/members/directory.js';
import { Membership } from '../src/replica/members/membership.js';
import { Reconfigurer } from '../src/replica/members/reconfigurer.js';
import { Proposals } from '../src/replica/proposals.js';
import { Reads } from '../src/replica/reads.js';
import { TinyStateMachine, temporaryDirectory } from './replica-fixture.js';

const self = memberId(1);
const leader = memberId(2);
const voters = [self, leader, memberId(3)];

/** A follower over a real journal whose writes end when the test lets them. */
async function followerWithSlowDisk() {
  const directory = await temporaryDirectory();
  const journal = await Journal.open(
    directory,
    { memberId: self, clusterId: 9, name: 'a' },
    configurationOf(voters),
  );
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
    electionTicks: 1_000_000,
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
      send: (messages) => void sent.push(...messages),
      sendSnapshot: async () => false,
      setPeers: () => undefined,
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
    tickMs: 60_000,
    electionTimeoutMs: 60_000,
    logger,
  });
  host.start();
  onTestFinished(async () => {
    disk.release();
    await host.stop();
    await journal.close();
  });
  return { host, stateMachine, sent, disk };
}

const entry = (index: number, text: string): Entry => {
  const payload = Buffer.from(text);
  const data = encodeEnvelope({ origin: leader, incarnation: 1, request: index, payload });
  return { index: logIndex(index), term: term(1), type: 'normal', data };
};

const append = (prev: number, commit: number, entries: readonly Entry[]): Message => ({
  kind: 'append-request',
  from: leader,
  to: self,
  term: term(1),
  prevLogIndex: logIndex(prev),
  prevLogTerm: term(prev === 0 ? 0 : 1),
  commit: logIndex(commit),
  heldByAll: logIndex(0),
  entries,
});

const acknowledged = (sent: readonly Message[]): number =>
  Math.max(0, ...sent.map((message) => (message.kind === 'append-response' ? message.index : 0)));

test('a committed entry does not wait for the write of later ones, and those wait for their own', async () => {
  const { host, stateMachine, sent, disk } = await followerWithSlowDisk();
  host.messages([append(0, 0, [entry(1, 'a=1')])]);
  await expect.poll(() => acknowledged(sent)).toBe(1);
  expect(stateMachine.history).toEqual([]);

  disk.hold();
  // Both are committed; only the first is on this disk.
  host.messages([append(1, 2, [entry(2, 'b=2')])]);
  await expect.poll(() => stateMachine.history).toEqual(['a=1']);
  await expect.poll(() => disk.busy).toBe(true);
  expect(acknowledged(sent)).toBe(1);

  disk.release();
  await expect.poll(() => stateMachine.history).toEqual(['a=1', 'b=2']);
  expect(disk.busy).toBe(false);
  await expect.poll(() => acknowledged(sent)).toBe(2);
});
