import { describe, expect, test } from 'vitest';
import { logIndex, memberId, term, type Message } from '@raftsman/raft';
import { Outbox } from '../src/replica/peers/outbox.js';

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
