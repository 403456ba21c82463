import { describe, expect, test } from 'vitest';
import {
  configurationOf,
  logIndex,
  memberId,
  term,
  type Message,
  type Raft,
  type Refusal,
} from '@raftsman/raft';
import { decodeEnvelope, encodeEnvelope } from '../src/replica/envelope.js';

import { decodeMessages, encodeMessages, type SentMessage } from '../src/replica/peers/codec.js';

import { Outbox } from '../src/replica/peers/outbox.js';
import { Proposals } from '../src/replica/proposals.js';
import { Reads } from '../src/replica/reads.js';
import { storeLimits } from '../src/limits.js';

/** A core that takes everything, in a term that the test sets. */
function scriptedCore() {
  const script = {
    term: 1,
    hasLeader: true,
    refusal: null as Refusal | null,
    proposed: [] as number[],
    reads: [] as number[],
  };
  const raft = {
    get term() {
      return term(script.term);
    },
    propose: (entries: readonly { readonly data: Uint8Array }[]) => {
      if (!script.hasLeader) return 'no-leader';
      if (script.refusal !== null) return script.refusal;
      for (const { data } of entries) script.proposed.push(decodeEnvelope(data)!.request);
      return null;
    },
    readIndex: (requestId: number) => {
      if (!script.hasLeader) return 'no-leader';
      script.reads.push(requestId);
      return null;
    },
  } as unknown as Raft;
  return { script, raft };
}

const newProposals = () => new Proposals({ origin: 7, incarnation: 9, timeoutMs: 100 });

describe('proposals', () => {
  test('wait while there is no leader, and go out together when there is one', async () => {
    const { script, raft } = scriptedCore();
    const proposals = newProposals();
    script.hasLeader = false;
    const answers = [proposals.add(Buffer.from('a'), 0), proposals.add(Buffer.from('b'), 0)];
    proposals.handOver(raft);
    expect(script.proposed).toEqual([]);
    script.hasLeader = true;
    proposals.handOver(raft);
    expect(script.proposed).toEqual([1, 2]);
    proposals.applied(7, 9, 2, 'second');
    proposals.applied(7, 9, 1, 'first');
    expect(await Promise.all(answers)).toEqual(['first', 'second']);
    expect(proposals.size).toBe(0);
  });

  test('of the member itself go ahead of all that wait, and through where there are too many', async () => {
    const { script, raft } = scriptedCore();
    const proposals = newProposals();
    script.hasLeader = false;
    const waiting = Array.from({ length: storeLimits.proposalsMax }, () =>
      proposals.add(Buffer.from('w'), 0),
    );
    for (const answer of waiting) answer.catch(() => undefined);
    await expect(proposals.add(Buffer.from('w'), 0)).rejects.toThrow('too-many-requests');
    const own = proposals.add(Buffer.from('a'), 0, true);
    script.hasLeader = true;
    proposals.handOver(raft);
    expect(script.proposed.slice(0, 3)).toEqual([storeLimits.proposalsMax + 1, 1, 2]);
    proposals.applied(7, 9, storeLimits.proposalsMax + 1, 'told');
    expect(await own).toBe('told');
    proposals.stop();
  });

  test('what another member or an earlier life proposed answers nobody here', () => {
    const { raft } = scriptedCore();
    const proposals = newProposals();
    void proposals.add(Buffer.from('a'), 0);
    proposals.handOver(raft);
    proposals.applied(8, 9, 1, 'other member');
    proposals.applied(7, 8, 1, 'earlier life');
    expect(proposals.size).toBe(1);
  });

  test('are proposed again once an entry of a later term shows that they are lost, and not before', () => {
    const { script, raft } = scriptedCore();
    const proposals = newProposals();
    void proposals.add(Buffer.from('a'), 0);
    proposals.handOver(raft);
    script.term = 3;
    void proposals.add(Buffer.from('b'), 0);
    proposals.handOver(raft);
    proposals.termReached(term(1));
    proposals.handOver(raft);
    expect(script.proposed).toEqual([1, 2]);
    proposals.termReached(term(3));
    proposals.handOver(raft);
    expect(script.proposed).toEqual([1, 2, 1]);
  });

  test('that nobody took end as no-leader, the others as timeout', async () => {
    const { script, raft } = scriptedCore();
    const proposals = newProposals();
    const sent = proposals.add(Buffer.from('a'), 0);
    proposals.handOver(raft);
    script.hasLeader = false;
    const kept = proposals.add(Buffer.from('b'), 50);
    proposals.handOver(raft);
    proposals.expire(99);
    expect(proposals.size).toBe(2);
    proposals.expire(150);
    await expect(sent).rejects.toMatchObject({ code: 'timeout' });
    await expect(kept).rejects.toMatchObject({ code: 'no-leader' });
    script.hasLeader = true;
    proposals.handOver(raft);
    expect(script.proposed).toEqual([1]);
  });

  test.each([
    ['not-a-member', 'not-capable'],
    ['too-many-uncommitted', 'too-many-requests'],
    ['no-leader', 'no-leader'],
    [null, 'timeout'],
  ] as const)('that the core did not take (%s) end as %s', async (refusal, code) => {
    const { script, raft } = scriptedCore();
    const proposals = newProposals();
    const kept = proposals.add(Buffer.from('a'), 0);
    script.refusal = refusal;
    // null: the disk hangs, so that nothing is handed over.
    if (refusal !== null) proposals.handOver(raft);
    proposals.expire(100);
    await expect(kept).rejects.toMatchObject({ code });
  });

  test('are bounded in count and bytes', async () => {
    const many = newProposals();
    for (let index = 0; index < storeLimits.proposalsMax; index++) void many.add(new Uint8Array(0), 0);
    await expect(many.add(new Uint8Array(0), 0)).rejects.toMatchObject({ code: 'too-many-requests' });
    const large = newProposals();
    void large.add(new Uint8Array(storeLimits.proposalBytesMax), 0);
    await expect(large.add(new Uint8Array(1), 0)).rejects.toMatchObject({ code: 'too-many-requests' });
  });

  test('whose entries a snapshot swallowed are unknown; those that wait go on', async () => {
    const { script, raft } = scriptedCore();
    const proposals = newProposals();
    const sent = proposals.add(Buffer.from('a'), 0);
    proposals.handOver(raft);
    void proposals.add(Buffer.from('b'), 0);
    proposals.outcomesUnknown();
    await expect(sent).rejects.toMatchObject({ code: 'timeout' });
    proposals.handOver(raft);
    expect(script.proposed).toEqual([1, 2]);
  });
});

describe('reads', () => {
  test('that wait share a round, and one that comes later does not join it', async () => {
    const { script, raft } = scriptedCore();
    const reads = new Reads({ timeoutMs: 100 });
    const first = [reads.add(0), reads.add(0)];
    reads.ask(raft, 0);
    let laterIsDone = false;
    const later = reads.add(1).then(() => (laterIsDone = true));
    reads.ask(raft, 1);
    expect(script.reads).toEqual([1, 2]);
    reads.answered({ requestId: 1, index: logIndex(10) }, 10);
    await Promise.all(first);
    expect(laterIsDone).toBe(false);
    reads.answered({ requestId: 2, index: logIndex(10) }, 10);
    await later;
  });

  test('wait until this member has applied what the leader named', async () => {
    const { raft } = scriptedCore();
    const reads = new Reads({ timeoutMs: 100 });
    let isDone = false;
    const read = reads.add(0).then(() => (isDone = true));
    reads.ask(raft, 0);
    reads.answered({ requestId: 1, index: logIndex(10) }, 9);
    await Promise.resolve();
    expect(isDone).toBe(false);
    reads.applied(10);
    await read;
  });

  test('that got no answer are asked again, and an answer to the old question is void', async () => {
    const { script, raft } = scriptedCore();
    const reads = new Reads({ timeoutMs: 10_000 });
    const read = reads.add(0);
    reads.ask(raft, 0);
    reads.expire(storeLimits.readRetryMs);
    reads.answered({ requestId: 1, index: logIndex(1) }, 5);
    reads.ask(raft, storeLimits.readRetryMs);
    expect(script.reads).toEqual([1, 2]);
    reads.answered({ requestId: 2, index: logIndex(1) }, 5);
    await read;
  });

  test('end in time', async () => {
    const { script, raft } = scriptedCore();
    script.hasLeader = false;
    const reads = new Reads({ timeoutMs: 100 });
    const read = reads.add(0);
    reads.ask(raft, 0);
    reads.expire(100);
    await expect(read).rejects.toMatchObject({ code: 'no-leader' });
  });
});

/** What follows length and kind of a frame. */
const bodyOf = (messages: readonly SentMessage[]): Buffer => encodeMessages(messages).subarray(5);

describe('on the wire', () => {
  const from = memberId(2 ** 52 - 1);
  const to = memberId(3);
  const base = { from, to, term: term(2 ** 40) };
  const entry = { index: logIndex(8), term: term(5), type: 'normal' as const, data: Buffer.from('data') };
  const messages: Exclude<Message, { kind: 'snapshot-request' }>[] = [
    {
      ...base,
      kind: 'vote-request',
      preVote: true,
      lastLogIndex: logIndex(7),
      lastLogTerm: term(5),
      leadershipTransfer: false,
    },
    { ...base, kind: 'vote-response', preVote: false, granted: true },
    {
      ...base,
      kind: 'append-request',
      prevLogIndex: logIndex(7),
      prevLogTerm: term(5),
      entries: [entry, { ...entry, index: logIndex(9), type: 'configuration' }],
      commit: logIndex(6),
      heldByAll: logIndex(4),
    },
    {
      ...base,
      kind: 'append-response',
      success: false,
      index: logIndex(7),
      hintIndex: logIndex(3),
      hintTerm: term(2),
    },
    {
      ...base,
      kind: 'heartbeat-request',
      commit: logIndex(6),
      readContext: 12,
      heldByAll: logIndex(5),
      sentAtMs: 77,
    },
    { ...base, kind: 'heartbeat-response', readContext: 12, sentAtMs: 77, promiseMs: 1000 },
    { ...base, kind: 'propose-request', entries: [{ type: 'normal', data: Buffer.from('p') }] },
    { ...base, kind: 'read-index-request', requestId: 99 },
    { ...base, kind: 'read-index-response', requestId: 99, index: logIndex(6) },
    { ...base, kind: 'timeout-now' },
    {
      ...base,
      kind: 'witness-snapshot',
      meta: {
        index: logIndex(6),
        term: term(5),
        configuration: configurationOf([memberId(1), memberId(2)], {
          learners: [memberId(3)],
          directory: Buffer.from('names'),
        }),
      },
    },
  ];

  test.each(messages.map((message) => [message.kind, message] as const))(
    '%s arrives as it was sent',
    (_kind, message) => {
      expect(decodeMessages(from, to, bodyOf([message]))).toEqual([message]);
    },
  );

  test('several arrive in their order', () => {
    expect(decodeMessages(from, to, bodyOf(messages))).toEqual(messages);
  });

  test('what is cut anywhere, or goes on after its end, is malformed and says so', () => {
    for (const message of messages) {
      const body = bodyOf([message]);
      for (let length = 1; length < body.length; length += 1)
        expect(decodeMessages(from, to, body.subarray(0, length)), `${message.kind} of ${length}`).toEqual(
          expect.stringMatching(/ends too early|too few bytes|a configuration that is none/),
        );
      expect(decodeMessages(from, to, Buffer.concat([body, Buffer.of(200)]))).toBe('ends too early');
    }
  });

  test.each([
    ['a kind that nobody knows', Buffer.of(12, 1, 0, 0, 0, 0, 0, 0, 0), 'message kind 12 is not known'],
    ['a number of 2^53', Buffer.of(10, 0, 0, 0, 0, 0, 0, 0x20, 0), 'a number is beyond 2^53'],
    ['a flag that nobody knows', Buffer.of(2, 1, 0, 0, 0, 0, 0, 0, 0, 4), 'flags 4 are not known'],
    [
      'an entry of no type',
      Buffer.of(7, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0),
      'an entry of a type that is not known',
    ],
    [
      'more entries than bytes',
      Buffer.of(7, 1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0),
      '4294967295 of something in too few bytes',
    ],
  ])('%s is malformed', (_what, body, why) => {
    expect(decodeMessages(from, to, body)).toBe(why);
  });

  test('entries keep the memory that they came in only if they are most of it', () => {
    const sent = { ...messages.find(({ kind }) => kind === 'append-request')!, entries: [] };
    const dataOf = (sizeBytes: number, besideBytes: number) => {
      const data = Buffer.alloc(sizeBytes, 7);
      const body = bodyOf([{ ...sent, entries: [{ ...entry, data }] } as (typeof messages)[number]]);
      const chunk = Buffer.concat([body, Buffer.alloc(besideBytes)]).subarray(0, body.length);
      const [message] = decodeMessages(from, to, chunk) as readonly Message[];
      const read = (message as Extract<Message, { kind: 'append-request' }>).entries[0]!.data;
      expect(Buffer.from(read)).toEqual(data);
      return { read, chunk };
    };
    const small = dataOf(100, 60_000);
    expect(small.read.buffer.byteLength).toBe(100);
    const large = dataOf(50_000, 10_000);
    expect(large.read.buffer).toBe(large.chunk.buffer);
  });

  test('an envelope arrives as it was sent, and anything else is none', () => {
    const envelope = { origin: 2 ** 52 - 1, incarnation: 2 ** 47, request: 3, payload: Buffer.from('x') };
    expect(decodeEnvelope(encodeEnvelope(envelope))).toMatchObject({ origin: 2 ** 52 - 1, request: 3 });
    expect(Buffer.from(decodeEnvelope(encodeEnvelope(envelope))!.payload).toString()).toBe('x');
    expect(decodeEnvelope(Buffer.from('short'))).toBeNull();
    expect(decodeEnvelope(Buffer.alloc(100, 0xff))).toBeNull();
  });
});

describe('the queue to a slow peer', () => {
  const append = (size: number): Message => ({
    from: memberId(1),
    to: memberId(2),
    term: term(1),
    kind: 'append-request',
    prevLogIndex: logIndex(0),
    prevLogTerm: term(0),
    commit: logIndex(0),
    heldByAll: logIndex(0),
    entries: [{ index: logIndex(1), term: term(1), type: 'normal', data: new Uint8Array(size) }],
  });
  const vote: Message = {
    from: memberId(1),
    to: memberId(2),
    term: term(1),
    kind: 'vote-response',
    preVote: false,
    granted: true,
  };

  test('drops the oldest appends first and keeps what elections need', () => {
    const outbox = new Outbox();
    outbox.push(vote);
    for (let sent = 0; sent < 20; sent++) outbox.push(append(1024 * 1024));
    expect(outbox.takeDropped()).toBeGreaterThan(10);
    expect(outbox.takeFrame()[0]).toEqual(vote);
  });

  test('holds for one that is away only what this member is now', () => {
    const outbox = new Outbox();
    const kept = (): readonly string[] => outbox.takeFrame().map(({ kind }) => kind);
    const from = { from: memberId(1), to: memberId(2), term: term(1) };
    const nothing = { readContext: 0, heldByAll: logIndex(0), sentAtMs: 0 };
    const beat: Message = { ...from, kind: 'heartbeat-request', commit: logIndex(0), ...nothing };
    const probe = { ...append(0), entries: [] } as Message;
    const last = { lastLogIndex: logIndex(1), lastLogTerm: term(1), leadershipTransfer: false };
    const ask: Message = { ...from, term: term(2), kind: 'vote-request', preVote: true, ...last };
    for (const message of [ask, vote, append(1), beat, probe, beat, probe, beat]) outbox.keep(message);
    expect(kept()).toEqual(['vote-response', 'append-request', 'append-request', 'heartbeat-request']);
    for (const message of [append(1), beat, vote, ask, ask]) outbox.keep(message);
    expect(kept()).toEqual(['vote-response', 'vote-request']);
    expect(outbox.isEmpty).toBe(true);
  });

  test('is cut into frames, and an oversized message still goes', () => {
    const outbox = new Outbox();
    outbox.push(append(3 * 1024 * 1024));
    outbox.push(vote);
    expect(outbox.takeFrame()).toHaveLength(1);
    expect(outbox.takeFrame()).toEqual([vote]);
    expect(outbox.isEmpty).toBe(true);
  });
});
