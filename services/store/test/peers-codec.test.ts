import { describe, expect, test } from 'vitest';
import { configurationOf, logIndex, memberId, term, type Message } from '@raftsman/raft';
import { decodeEnvelope, encodeEnvelope } from '../src/replica/envelope.js';
import { decodeMessages, encodeMessages, type SentMessage } from '../src/replica/peers/codec.js';

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
