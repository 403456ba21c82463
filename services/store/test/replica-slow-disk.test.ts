import { logIndex, term, type Entry, type Message } from '@raftsman/raft';
import { expect, test } from 'vitest';
import { encodeEnvelope } from '../src/replica/envelope.js';
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
