import { logIndex, memberId, term } from '@raftsman/raft';
import type { Message } from '@raftsman/raft';
import { describe, expect, it } from 'vitest';
import { Member, append, id, voteRequest } from './harness.js';

/** Read leases by promises: docs/decisions/0012. The test holds the clock. */

class Clock {
  nowMs = 5000;
  readonly lease = { nowMs: () => this.nowMs, promiseMs: 1000 };
}

function leader(clock: Clock): Member {
  const member = new Member({ config: { readLease: clock.lease } });
  member.lead();
  member.acknowledge(2, 1);
  member.take('heartbeat-request');
  return member;
}

function heartbeatAnswer(member: Member, from: number, sentAtMs: number, promiseMs = 1000): void {
  member.step({
    kind: 'heartbeat-response',
    from: memberId(from),
    to: id,
    term: member.raft.status().term,
    readContext: 0,
    sentAtMs,
    promiseMs,
  });
}

const heartbeat = (sentAtMs: number): Message => ({
  kind: 'heartbeat-request',
  from: memberId(2),
  to: id,
  term: term(1),
  commit: logIndex(0),
  readContext: 0,
  heldByAll: logIndex(0),
  sentAtMs,
});

describe('a leader', () => {
  it('reads at once for nine tenths of a promise, counted from when it sent the heartbeat', () => {
    const clock = new Clock();
    const member = leader(clock);
    member.tick(1);
    const [sent] = member.take('heartbeat-request');
    expect(sent?.sentAtMs).toBe(5000);
    clock.nowMs = 5300;
    heartbeatAnswer(member, 3, 5000);
    member.raft.readIndex(1);
    member.drain();
    expect(member.reads).toEqual([{ requestId: 1, index: 1 }]);
    expect(member.take('heartbeat-request')).toEqual([]);

    clock.nowMs = 5900;
    member.raft.readIndex(2);
    member.drain();
    expect(member.reads).toHaveLength(1);
    expect(member.take('heartbeat-request').length).toBeGreaterThan(0);
  });

  it('answers a follower under the same lease', () => {
    const clock = new Clock();
    const member = leader(clock);
    heartbeatAnswer(member, 3, 5000);
    const request = {
      kind: 'read-index-request',
      from: memberId(3),
      to: id,
      term: term(1),
      requestId: 8,
    } as const;
    member.step(request);
    expect(member.take('read-index-response')).toMatchObject([{ to: 3, requestId: 8, index: 1 }]);
  });

  it.each([
    ['without a promise', 5000, 0],
    ['by an answer to what it has not sent yet', 5001, 1000],
    ['by an answer to a heartbeat that asked for nothing', 0, 1000],
  ])('has no lease %s', (_what, sentAtMs, promiseMs) => {
    const member = leader(new Clock());
    heartbeatAnswer(member, 3, sentAtMs, promiseMs);
    member.raft.readIndex(1);
    member.drain();
    expect(member.reads).toEqual([]);
  });

  it('has none any more once it asked somebody to take over, though that comes to nothing', () => {
    const clock = new Clock();
    const member = leader(clock);
    heartbeatAnswer(member, 3, 5000);
    member.raft.transferLeadership(memberId(2));
    member.drain();
    expect(member.take('timeout-now')).toHaveLength(1);
    heartbeatAnswer(member, 2, 5000);
    member.tick(10);
    heartbeatAnswer(member, 3, 5000);
    member.raft.readIndex(1);
    member.drain();
    expect(member.raft.role).toBe('leader');
    expect(member.reads).toEqual([]);
  });
});

describe('a member that promised', () => {
  function follower(clock: Clock): Member {
    const member = new Member({ config: { readLease: clock.lease } });
    member.step(append(2, 1, [0, 0], [1]));
    member.sent.length = 0;
    return member;
  }

  it('says for how long, and only when it is asked', () => {
    const member = follower(new Clock());
    member.step(heartbeat(0));
    expect(member.take('heartbeat-response')).toMatchObject([{ sentAtMs: 0, promiseMs: 0 }]);
    member.step(heartbeat(77));
    expect(member.take('heartbeat-response')).toMatchObject([{ sentAtMs: 77, promiseMs: 1000 }]);
  });

  it('helps nobody until then, whatever it sees: not by a vote, a pre-vote, nor an election of its own', () => {
    const clock = new Clock();
    const member = follower(clock);
    member.step(heartbeat(77));
    member.sent.length = 0;
    member.raft.reportUnreachable(memberId(2));
    clock.nowMs = 5999;
    member.tick(30);
    member.step(voteRequest(3, 2, [1, 1], true));
    member.step(voteRequest(3, 2, [1, 1]));
    expect(member.sent).toEqual([]);
    clock.nowMs = 6000;
    member.step(voteRequest(3, 2, [1, 1]));
    expect(member.take('vote-response')).toMatchObject([{ granted: true }]);
  });

  it('runs as soon as it may, when its leader is gone', () => {
    const clock = new Clock();
    const member = follower(clock);
    member.step(heartbeat(77));
    member.raft.reportUnreachable(memberId(2));
    member.tick(5);
    expect(member.raft.role).toBe('follower');
    clock.nowMs = 6000;
    member.tick(1);
    expect(member.raft.role).toBe('pre-candidate');
  });

  it('also holds its vote back in a term that it heard of otherwise', () => {
    const clock = new Clock();
    const member = follower(clock);
    member.step(heartbeat(77));
    member.step({
      ...heartbeat(0),
      kind: 'vote-response',
      preVote: false,
      granted: false,
      term: term(2),
    } as Message);
    member.step(voteRequest(3, 2, [1, 1]));
    expect(member.take('vote-response')).toEqual([]);
  });

  it('votes when the leader itself asks for another', () => {
    const member = follower(new Clock());
    member.step(heartbeat(77));
    member.step({ ...voteRequest(3, 2, [1, 1]), leadershipTransfer: true } as Message);
    expect(member.take('vote-response')).toMatchObject([{ granted: true }]);
  });

  it('waits a whole promise after a restart, for it does not know what it said', () => {
    const clock = new Clock();
    const member = new Member({ terms: [1], config: { readLease: clock.lease } });
    member.step(voteRequest(3, 2, [1, 1]));
    expect(member.take('vote-response')).toEqual([]);
    clock.nowMs = 6000;
    member.step(voteRequest(3, 2, [1, 1]));
    expect(member.take('vote-response')).toMatchObject([{ granted: true }]);
  });
});
