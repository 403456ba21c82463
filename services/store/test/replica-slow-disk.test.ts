import { Journal } from '@raftsman/journal';
import { logIndex, term, type Entry, type MemberId, type Message } from '@raftsman/raft';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { storeLimits } from '../src/limits.js';
import { encodeEnvelope } from '../src/replica/envelope.js';
import { TestCluster, type TestMember } from './replica-fixture.js';
import { memberWithSlowDisk, peers, self } from './slow-disk-fixture.js';

const leader = peers[0]!;

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
  const { host, stateMachine, sent, disk } = await memberWithSlowDisk();
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

type Slow = Awaited<ReturnType<typeof memberWithSlowDisk>>;

/** Asks for a read, which the leader says to be of everything up to `index`. */
async function readUpTo(index: number, { host, sent }: Slow): Promise<{ readonly answer: Promise<void> }> {
  sent.length = 0;
  const answer = host.readIndex();
  const question = () => sent.find((message) => message.kind === 'read-index-request');
  await expect.poll(question).toBeDefined();
  const { requestId } = question()!;
  const said = { kind: 'read-index-response', from: leader, to: self, term: term(1), requestId } as const;
  host.messages([{ ...said, index: logIndex(index) }]);
  return { answer };
}

test('a read that the leader has answered does not wait for the write that goes on, if it needs nothing of it', async () => {
  const member = await memberWithSlowDisk();
  const { host, disk, stateMachine } = member;
  host.messages([append(0, 1, [entry(1, 'a=1')])]);
  await expect.poll(() => stateMachine.history).toEqual(['a=1']);
  disk.hold();
  host.messages([append(1, 2, [entry(2, 'b=2')])]);
  await expect.poll(() => disk.busy).toBe(true);
  await (
    await readUpTo(1, member)
  ).answer;
  expect(disk.busy).toBe(true);

  let answered = false;
  const later = (await readUpTo(2, member)).answer.then(() => (answered = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(answered).toBe(false);
  disk.release();
  await later;
  expect(stateMachine.history).toEqual(['a=1', 'b=2']);
});

/** They grant, acknowledge and answer everything, but nothing that `silent` names. */
function oblige({ host, others }: Slow, silent: readonly MemberId[] = []): void {
  others.hear = (message) => {
    if (silent.includes(message.to)) return;
    const answer = { from: message.to, to: self, term: message.term };
    const hint = { hintIndex: logIndex(0), hintTerm: term(0) };
    if (message.kind === 'vote-request')
      host.messages([{ ...answer, kind: 'vote-response', preVote: message.preVote, granted: true }]);
    if (message.kind === 'append-request') {
      const index = logIndex(message.prevLogIndex + message.entries.length);
      host.messages([{ ...answer, kind: 'append-response', success: true, index, ...hint }]);
    }
    if (message.kind === 'heartbeat-request') {
      const { readContext, sentAtMs } = message;
      host.messages([{ ...answer, kind: 'heartbeat-response', readContext, sentAtMs, promiseMs: 0 }]);
    }
  };
}

const handedOver = (sent: readonly Message[]): readonly MemberId[] =>
  sent.filter(({ kind }) => kind === 'timeout-now').map(({ to }) => to);

describe('a leader whose write does not come to its end', () => {
  const ticks = { tickMs: 20, electionTicks: 10 };
  const patienceMs = storeLimits.stalledWriteMsMin;

  test('asks another member to take over, and not before it has been long', async () => {
    const member = await memberWithSlowDisk(ticks);
    const { host, sent, disk } = member;
    oblige(member);
    await expect.poll(() => host.status().role).toBe('leader');
    await host.propose(Buffer.from('a=1'));
    disk.hold();
    const beganMs = performance.now();
    void host.propose(Buffer.from('b=2')).catch(() => undefined);
    await expect.poll(() => handedOver(sent), { timeout: 10 * patienceMs }).toHaveLength(1);
    expect(performance.now() - beganMs).toBeGreaterThan(0.9 * patienceMs);
    const next = { from: handedOver(sent)[0]!, to: self, term: term(host.status().term + 1) };
    const last = { lastLogIndex: logIndex(3), lastLogTerm: term(1) };
    host.messages([{ ...next, kind: 'vote-request', preVote: false, leadershipTransfer: true, ...last }]);
    expect(host.status()).toMatchObject({ role: 'follower', term: next.term });
    expect(disk.busy).toBe(true);
  });

  test('goes on when the others are not a majority without it', async () => {
    const member = await memberWithSlowDisk(ticks);
    const { host, sent, disk } = member;
    oblige(member, [peers[1]!]);
    await expect.poll(() => host.status().role).toBe('leader');
    disk.hold();
    void host.propose(Buffer.from('b=2')).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 2 * patienceMs));
    expect(host.status().role).toBe('leader');
    expect(handedOver(sent)).toEqual([]);
  });
});

test('while the disk of the leader hangs the others elect one that writes, and it follows when it is back', async () => {
  const cluster = await TestCluster.create(3);
  await cluster.startAll();
  const leader = await cluster.leader();
  const others = [...cluster.running.values()].filter((member) => member !== leader);
  const put = (member: TestMember, text: string) => member.running.replica.propose(Buffer.from(text));
  await put(leader, 'a=1');
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const hung: Journal[] = [];
  const write = Reflect.get(Journal.prototype, 'write') as Journal['write'];
  onTestFinished(() => void vi.restoreAllMocks());
  vi.spyOn(Journal.prototype, 'write').mockImplementation(async function (this: Journal, group) {
    const written = write.call(this, group);
    // Who writes first what a client asked the leader for is the leader.
    if (hung.length === 0) hung.push(this);
    if (hung.includes(this)) await released;
    await written;
  });
  const own = put(leader, 'b=2');
  await expect
    .poll(() => others.some(({ running }) => running.replica.status().role === 'leader'), { timeout: 10_000 })
    .toBe(true);
  await put(others[0]!, 'c=3');
  expect(leader.running.replica.status().role).toBe('follower');
  expect(leader.stateMachine.values.get('c')).toBeUndefined();
  release();
  await own;
  await expect.poll(() => leader.stateMachine.values.get('c')).toBe('3');
});
