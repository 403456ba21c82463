import { configurationOf, logIndex, memberId, pendingReadsMax, term } from '@raftsman/raft';
import { describe, expect, it } from 'vitest';
import { Member, append, id, proposal } from './harness.js';

const refusal = (from: number, index: number, hint: readonly [number, number], currentTerm = 1) =>
  ({
    kind: 'append-response',
    from: memberId(from),
    to: id,
    term: term(currentTerm),
    success: false,
    index: logIndex(index),
    hintIndex: logIndex(hint[0]),
    hintTerm: term(hint[1]),
  }) as const;

describe('§3.5 log replication', () => {
  it('a follower keeps what matches, drops what conflicts, and acknowledges after the write', () => {
    const member = new Member({ terms: [1, 1, 1] });
    member.raft.step(append(2, 2, [1, 1], [1, 2]));
    const ready = member.raft.ready();
    expect(ready.messages).toEqual([]);
    expect(ready.entries.map((entry) => [entry.index, entry.term])).toEqual([[3, 2]]);
    expect(ready.mustSync).toBe(true);
    expect(ready.messagesAfterPersist).toMatchObject([{ kind: 'append-response', success: true, index: 3 }]);
  });

  it('a late append takes nothing away', () => {
    const member = new Member({ terms: [] });
    member.step(append(2, 1, [0, 0], [1, 1, 1]));
    member.step(append(2, 1, [0, 0], [1]));
    expect(member.log.lastIndex).toBe(3);
  });

  it('a refusal names where the logs may part, one term at a time', () => {
    const member = new Member({ terms: [1, 1, 2, 2, 2] });
    member.step(append(2, 4, [5, 4]));
    member.step(append(2, 4, [4, 1]));
    expect(member.take('append-response')).toMatchObject([
      { success: false, index: 5, hintIndex: 5, hintTerm: 2 },
      { success: false, index: 4, hintIndex: 2, hintTerm: 1 },
    ]);
  });

  it('the leader skips its own later terms by the hint', () => {
    const member = new Member({ terms: [1, 1, 3, 3, 3], term: 3 });
    member.lead();
    member.take('append-request');
    member.step(refusal(2, 5, [5, 2], 4));
    expect(member.take('append-request')).toMatchObject([{ to: 2, prevLogIndex: 2, prevLogTerm: 1 }]);
  });

  it('a member that denies what it has acknowledged is not asked again before the next heartbeat', () => {
    const member = new Member({});
    member.lead();
    member.acknowledge(2, 1);
    member.raft.reportUnreachable(memberId(2));
    member.drain();
    member.take('append-request');
    member.step(refusal(2, 1, [0, 0]));
    expect(member.take('append-request')).toEqual([]);
  });

  it('commits only what a majority has made durable, itself included (§10.2.1)', () => {
    const member = new Member({ voters: 3 });
    member.lead();
    member.acknowledge(2, 1);
    member.raft.propose([proposal(1)]);
    const ready = member.raft.ready();
    expect(ready.messages).toMatchObject([{ kind: 'append-request' }]);
    member.raft.step(member.acknowledgement(2, 2));
    expect(member.raft.status().commit).toBe(1);
    member.finish(ready);
    expect(member.raft.status().commit).toBe(2);
  });

  it('§3.6.2: does not commit an earlier term by counting', () => {
    const member = new Member({ terms: [1, 1] });
    member.lead();
    member.acknowledge(2, 2);
    expect(member.raft.status().commit).toBe(0);
    member.acknowledge(2, 3);
    expect(member.raft.status().commit).toBe(3);
  });

  it('a follower commits no further than what it was shown to match', () => {
    const member = new Member({ terms: [1, 1, 1] });
    member.step(append(2, 2, [1, 1], [], 3));
    expect(member.raft.status().commit).toBe(1);
  });
});

describe('§10.2.1 batching and pipelining', () => {
  it('proposals between two drains share an append', () => {
    const member = new Member({});
    member.lead();
    member.acknowledge(2, 1);
    member.take('append-request');
    for (let count = 0; count < 10; count += 1) member.raft.propose([proposal(1)]);
    member.drain();
    const toSecond = member.take('append-request').filter(({ to }) => to === 2);
    expect(toSecond.map(({ entries }) => entries.length)).toEqual([10]);
  });

  it('sends on without waiting, up to the window', () => {
    const member = new Member({ config: { appendBytesMax: 1, inflightAppendsMax: 3 } });
    member.lead();
    member.acknowledge(2, 1);
    member.take('append-request');
    member.raft.propose(Array.from({ length: 8 }, () => proposal(1)));
    member.drain();
    const indexes = () =>
      member
        .take('append-request')
        .filter(({ to }) => to === 2)
        .flatMap(({ entries }) => entries.map((entry) => entry.index));
    expect(indexes()).toEqual([2, 3, 4]);
    member.acknowledge(2, 3);
    expect(indexes()).toEqual([5, 6]);
  });

  it('probes one append at a time until it knows where the logs part', () => {
    const member = new Member({});
    member.lead();
    member.take('append-request');
    member.raft.propose([proposal(1)]);
    member.drain();
    expect(member.take('append-request')).toEqual([]);
  });
});

describe('bounds', () => {
  it('refuses proposals beyond uncommittedBytesMax, and takes them again once others are committed', () => {
    const member = new Member({ config: { uncommittedBytesMax: 500 } });
    member.lead();
    member.acknowledge(2, 1);
    expect(member.raft.propose([proposal(300)])).toBeNull();
    expect(member.raft.propose([proposal(300)])).toBe('too-many-uncommitted');
    member.drain();
    member.acknowledge(2, 2);
    expect(member.raft.propose([proposal(300)])).toBeNull();
  });

  it('a follower that cannot send holds no more of them than a leader', () => {
    const member = new Member({ config: { uncommittedBytesMax: 500 } });
    member.step(append(3, 1, [0, 0], [1]));
    expect(member.raft.propose([proposal(300)])).toBeNull();
    expect(member.raft.propose([proposal(300)])).toBe('too-many-uncommitted');
    expect(member.raft.takeMessages()).toMatchObject([{ kind: 'propose-request', to: 3 }]);
    expect(member.raft.propose([proposal(300)])).toBeNull();
  });

  it('hands out committed entries in portions', () => {
    const member = new Member({ config: { committedBytesMax: 100 } });
    member.step(append(2, 1, [0, 0], [1, 1, 1, 1, 1, 1, 1, 1], 8));
    expect(member.applied.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const again = new Member({ config: { committedBytesMax: 100 } });
    again.raft.step(append(2, 1, [0, 0], [1, 1, 1, 1, 1, 1, 1, 1], 8));
    expect(again.raft.ready().committedEntries.length).toBe(3);
  });

  it('refuses reads beyond pendingReadsMax', () => {
    const member = new Member({});
    member.lead();
    for (let read = 0; read < pendingReadsMax; read += 1) expect(member.raft.readIndex(read)).toBeNull();
    expect(member.raft.readIndex(pendingReadsMax)).toBe('too-many-reads');
  });
});

describe('§6.4 read index', () => {
  const heartbeatResponse = (from: number, readContext: number) =>
    ({
      kind: 'heartbeat-response',
      from: memberId(from),
      to: id,
      term: term(1),
      readContext,
      sentAtMs: 0,
      promiseMs: 0,
    }) as const;

  it('waits until an entry of its own term is committed', () => {
    const member = new Member({});
    member.lead();
    member.raft.readIndex(1);
    member.drain();
    expect(member.take('heartbeat-request')).toEqual([]);
    member.acknowledge(2, 1);
    const [round] = member.take('heartbeat-request');
    expect(round?.readContext).toBeGreaterThan(0);
    member.step(heartbeatResponse(3, round?.readContext ?? 0));
    expect(member.reads).toEqual([{ requestId: 1, index: 1 }]);
  });

  it('is not confirmed by the answer to an earlier round; an answer to a later one confirms both', () => {
    const member = new Member({});
    member.lead();
    member.acknowledge(2, 1);
    member.raft.readIndex(1);
    member.drain();
    member.raft.readIndex(2);
    member.drain();
    const rounds = new Set(member.take('heartbeat-request').map(({ readContext }) => readContext));
    expect(rounds.size).toBe(2);
    const [first = 0, second = 0] = rounds;
    member.step(heartbeatResponse(2, first));
    expect(member.reads.map(({ requestId }) => requestId)).toEqual([1]);
    member.step(heartbeatResponse(3, second));
    expect(member.reads.map(({ requestId }) => requestId)).toEqual([1, 2]);
  });

  it('an answer that a follower did not ask for in this life is dropped', () => {
    const member = new Member({});
    member.step(append(3, 1, [0, 0], [1]));
    member.raft.readIndex(7);
    member.drain();
    const [question] = member.take('read-index-request');
    const answer = {
      kind: 'read-index-response',
      from: memberId(3),
      to: id,
      term: term(1),
      index: logIndex(1),
    } as const;
    member.step({ ...answer, requestId: (question?.requestId ?? 0) + 1 });
    expect(member.reads).toEqual([]);
    member.step({ ...answer, requestId: question?.requestId ?? 0 });
    expect(member.reads).toEqual([{ requestId: 7, index: 1 }]);
  });
});

describe('snapshots', () => {
  const meta = (index: number, ofTerm: number) => ({
    index: logIndex(index),
    term: term(ofTerm),
    configuration: configurationOf([memberId(1), memberId(2), memberId(3)]),
  });

  it('replaces the log, then entries follow it', () => {
    const member = new Member({ terms: [1, 1] });
    expect(member.raft.offerSnapshot(memberId(2), term(3), meta(9, 2))).toBe(true);
    member.drain();
    expect(member.take('append-response')).toMatchObject([{ success: true, index: 9 }]);
    member.step(append(2, 3, [9, 2], [3], 10));
    expect(member.raft.status()).toMatchObject({ commit: 10, applied: 10, lastIndex: 10 });
    expect(member.applied.map(({ index }) => index)).toEqual([10]);
  });

  it('is refused when stale, of an earlier term, or contained in the log', () => {
    const member = new Member({ terms: [1, 1, 1] });
    expect(member.raft.offerSnapshot(memberId(2), term(3), meta(2, 1))).toBe(false);
    expect(member.raft.status().commit).toBe(2);
    expect(member.raft.offerSnapshot(memberId(2), term(3), meta(1, 1))).toBe(false);
    expect(member.raft.offerSnapshot(memberId(2), term(2), meta(9, 2))).toBe(false);
    expect(member.raft.offerSnapshot(memberId(2), term(3), meta(Number.NaN, 2))).toBe(false);
    expect(member.log.lastIndex).toBe(3);
  });
});
