import { MemoryLog, configurationOf, createRaft, logIndex, memberId, term } from '@raftsman/raft';
import type { Message } from '@raftsman/raft';
import { describe, expect, it } from 'vitest';
import { Member, append, defaults, id, voteRequest } from './harness.js';

describe('§3.4 leader election', () => {
  it.each([
    { preVote: true, longest: 15, role: 'pre-candidate' },
    { preVote: false, longest: 19, role: 'candidate' },
  ] as const)('starts after $longest ticks at most with pre-vote $preVote', ({ preVote, longest, role }) => {
    const drawn = (random: (below: number) => number) => new Member({ config: { preVote, random } });
    const [first, last] = [drawn(() => 0), drawn((below) => below - 1)];
    first.tick(10);
    expect(first.raft.role).toBe(role);
    last.tick(longest - 1);
    expect(last.raft.role).toBe('follower');
    last.tick(1);
    expect(last.raft.role).toBe(role);
  });

  it('votes once in a term, for whoever asks first', () => {
    const member = new Member({ term: 1 });
    member.step(voteRequest(2, 2, [0, 0]));
    member.step(voteRequest(3, 2, [0, 0]));
    member.step(voteRequest(2, 2, [0, 0]));
    expect(member.take('vote-response').map(({ to, granted }) => [to, granted])).toEqual([
      [2, true],
      [3, false],
      [2, true],
    ]);
    expect(member.hardState).toMatchObject({ term: 2, vote: 2 });
  });

  it('sends no vote before it is durable (figure 3.1)', () => {
    const member = new Member({ term: 1 });
    member.raft.step(voteRequest(2, 2, [0, 0]));
    expect(member.raft.takeMessages()).toEqual([]);
    const ready = member.raft.ready();
    expect(ready.messages).toEqual([]);
    expect(ready).toMatchObject({ mustSync: true, hardState: { term: 2, vote: 2 } });
    expect(ready.messagesAfterPersist).toMatchObject([{ kind: 'vote-response', granted: true }]);
  });

  it('remembers the vote of an earlier life', () => {
    const member = new Member({ term: 2, vote: 2 });
    member.step(voteRequest(3, 2, [0, 0]));
    expect(member.take('vote-response')).toMatchObject([{ to: 3, granted: false }]);
  });

  it('does not lead by its own vote before that is durable', () => {
    const member = new Member({ voters: 1 });
    for (let tick = 0; tick < 10; tick += 1) member.raft.tick();
    const ready = member.raft.ready();
    expect(member.raft.role).toBe('candidate');
    member.finish(ready);
    expect(member.raft.role).toBe('leader');
  });

  it.each([
    { last: [1, 3], granted: true, why: 'a later last term, though shorter' },
    { last: [3, 2], granted: true, why: 'the same last entry' },
    { last: [2, 2], granted: false, why: 'the same last term, but shorter' },
    { last: [9, 1], granted: false, why: 'an earlier last term, though longer' },
  ] as const)('§3.6.1: its vote ($granted) for a log with $why', ({ last, granted }) => {
    const member = new Member({ terms: [1, 2, 2] });
    member.step(voteRequest(2, 4, last));
    expect(member.take('vote-response')).toMatchObject([{ granted }]);
  });

  it('follows the leader of its term that it hears while it runs', () => {
    const member = new Member({ terms: [1] });
    member.tick(10);
    member.step(append(2, 1, [1, 1]));
    expect(member.raft.status()).toMatchObject({ role: 'follower', leader: 2, term: 1 });
  });
});

describe('§9.6 pre-vote', () => {
  it('changes neither term nor vote of anybody', () => {
    const member = new Member({ term: 4 });
    member.step(voteRequest(2, 5, [0, 0], true));
    expect(member.take('vote-response')).toMatchObject([{ term: 5, preVote: true, granted: true }]);
    expect(member.raft.status().term).toBe(4);
    expect(member.hardState).toMatchObject({ term: 4, vote: null });
  });

  it('is not answered by who hears a leader (§4.2.3), and is after its election timeout', () => {
    const member = new Member({ config: { random: () => 5 } });
    member.step(append(3, 1, [0, 0], [1]));
    member.take('append-response');
    member.step(voteRequest(2, 2, [1, 1], true));
    expect(member.take('vote-response')).toEqual([]);
    member.tick(10);
    member.step(voteRequest(2, 2, [1, 1], true));
    expect(member.take('vote-response')).toMatchObject([{ granted: true }]);
  });

  it('is granted to the leader that was heard: in a later term it leads no more', () => {
    const member = new Member({});
    member.step(append(3, 1, [0, 0], [1]));
    member.take('append-response');
    member.step(voteRequest(2, 2, [1, 1], true));
    expect(member.take('vote-response')).toEqual([]);
    member.step(voteRequest(3, 2, [1, 1], true));
    expect(member.take('vote-response')).toMatchObject([{ to: 3, granted: true }]);
    member.step(voteRequest(3, 2, [1, 1]));
    expect(member.take('vote-response')).toMatchObject([{ to: 3, preVote: false, granted: true }]);
  });

  it.each([
    ['does not know yet that it votes', new Member({ voters: 0 })],
    ['must be rebuilt first', new Member({ rebuildUntil: 9 })],
  ])('is heard at every tick after the timeout by a member that %s', (_which, member) => {
    member.step(append(3, 1, [0, 0]));
    member.tick(10);
    member.sent.length = 0;
    expect(member.raft.leader).toBeNull();
    for (let tick = 0; tick < 40; tick += 1) {
      member.step(voteRequest(2, 2, [0, 0], true));
      expect(member.take('vote-response'), `after ${tick} ticks`).toHaveLength(1);
      member.tick(1);
    }
  });

  it('is not answered with a vote by a live leader', () => {
    const member = new Member({});
    member.lead();
    member.take('append-request');
    member.step(voteRequest(2, 9, [5, 8], true));
    expect(member.raft.status()).toMatchObject({ role: 'leader', term: 1 });
    expect(member.take('vote-response')).toEqual([]);
  });

  it('of two equal members that ask at the same moment goes to the higher id, and later to anybody', () => {
    const member = new Member({ config: { id: memberId(3) } });
    member.tick(10);
    member.take('vote-request');
    const request = { ...voteRequest(2, 1, [0, 0], true), to: memberId(3) };
    member.step(request);
    expect(member.take('vote-response')).toMatchObject([{ granted: false }]);
    member.tick(1);
    expect(member.take('vote-request'), 'it asks again itself').toHaveLength(2);
    member.tick(3);
    member.step(request);
    expect(member.take('vote-response')).toMatchObject([{ granted: true }]);
    const lower = new Member({});
    lower.tick(10);
    lower.step(voteRequest(2, 1, [0, 0], true));
    expect(lower.take('vote-response')).toMatchObject([{ granted: true }]);
  });

  it('of a member whose log is behind makes a better candidate run early', () => {
    const member = new Member({ terms: [1, 1] });
    member.step(voteRequest(2, 2, [1, 1], true));
    member.take('vote-response');
    member.tick(1);
    expect(member.raft.role).toBe('pre-candidate');
  });
});

describe('§6.2 check-quorum', () => {
  it('makes a leader that no majority answers step down', () => {
    const member = new Member({});
    member.lead();
    member.tick(10);
    expect(member.raft.role).toBe('follower');
    expect(member.raft.propose([])).toBe('no-leader');
  });

  it('lets it stay while a majority answers', () => {
    const member = new Member({ voters: 5 });
    member.lead();
    for (let round = 0; round < 5; round += 1) {
      for (const from of [2, 3]) {
        const { term: currentTerm } = member.raft.status();
        member.step({
          kind: 'heartbeat-response',
          from: memberId(from),
          to: id,
          term: currentTerm,
          readContext: 0,
          sentAtMs: 0,
          promiseMs: 0,
        });
      }
      member.tick(9);
    }
    expect(member.raft.role).toBe('leader');
  });
});

describe('§6.2 check-quorum beside a member that was just added', () => {
  /** It leads alone, and has added another voter after so many ticks of a period of ten. */
  const adding = (atTick: number): Member => {
    const member = new Member({ voters: 1 });
    member.tick(10);
    member.tick(atTick);
    const { directory } = member.raft.configuration;
    const voters = [id, memberId(2)];
    expect(member.raft.proposeConfiguration({ voters, learners: [], witnesses: [], directory })).toBeNull();
    member.drain();
    return member;
  };

  it('misses it after an election timeout, not at the end of the period that runs', () => {
    const member = adding(9);
    member.tick(1);
    expect(member.raft.role).toBe('leader');
    member.tick(9);
    expect(member.raft.role).toBe('leader');
    member.tick(1);
    expect(member.raft.role).toBe('follower');
  });

  it('does not take it for one that answers', () => {
    const member = adding(0);
    const progress = member.raft.status().progress?.get(memberId(2));
    expect(progress).toMatchObject({ recentlyActive: false });
  });
});

describe('a broken connection to the leader', () => {
  const followed = (config = {}): Member => {
    const member = new Member({ config });
    member.step(append(3, 1, [0, 0], [1]));
    member.sent.length = 0;
    return member;
  };

  it('makes the follower ask for pre-votes at once, and its term stays', () => {
    const member = followed();
    member.raft.reportUnreachable(memberId(3));
    member.drain();
    expect(member.take('vote-request')).toMatchObject([{ preVote: true }, { preVote: true }]);
    expect(member.raft.status()).toMatchObject({ role: 'pre-candidate', term: 1, leader: null });
  });

  it('waits up to two ticks, as drawn', () => {
    const member = followed({ random: (below: number) => below - 1 });
    member.raft.reportUnreachable(memberId(3));
    member.tick(1);
    expect(member.raft.role).toBe('follower');
    member.tick(1);
    expect(member.raft.role).toBe('pre-candidate');
  });

  it('gives up its lease: the other follower that lost the leader gets its vote', () => {
    const member = followed({ random: (below: number) => below - 1 });
    member.raft.reportUnreachable(memberId(3));
    member.step(voteRequest(2, 2, [1, 1], true));
    expect(member.take('vote-response')).toMatchObject([{ granted: true }]);
  });

  it('does nothing if it was not the leader, or if there is no pre-vote that keeps a live one', () => {
    const other = followed();
    other.raft.reportUnreachable(memberId(2));
    expect(other.raft.status()).toMatchObject({ role: 'follower', leader: 3 });
    const without = followed({ preVote: false });
    without.raft.reportUnreachable(memberId(3));
    expect(without.raft.status()).toMatchObject({ role: 'follower', leader: 3 });
  });

  it('is forgotten when the leader is heard again', () => {
    const member = followed({ random: (below: number) => below - 1 });
    member.raft.reportUnreachable(memberId(3));
    member.step(append(3, 1, [1, 1]));
    member.tick(9);
    expect(member.raft.status()).toMatchObject({ role: 'follower', leader: 3 });
  });
});

describe('a new connection', () => {
  it('makes a member without a leader ask within two ticks, and disturbs none that has one', () => {
    const member = new Member({ config: { random: (below: number) => below - 1 } });
    member.raft.reportReachable();
    member.tick(1);
    expect(member.take('vote-request')).toEqual([]);
    member.tick(1);
    expect(member.take('vote-request')).toMatchObject([{ preVote: true }, { preVote: true }]);
    member.raft.reportReachable();
    member.tick(2);
    expect(member.take('vote-request'), 'nobody answered: it asks again').toHaveLength(2);
    member.step(append(3, 1, [0, 0], [1]));
    member.raft.reportReachable();
    member.tick(9);
    expect(member.raft.status()).toMatchObject({ role: 'follower', leader: 3 });
  });

  it('does not overtake the candidate that it voted for', () => {
    const member = new Member({ config: { random: (below: number) => below - 1 } });
    member.step(voteRequest(2, 1, [0, 0]));
    expect(member.take('vote-response')).toMatchObject([{ granted: true }]);
    for (let greeted = 0; greeted < 3; greeted += 1) {
      member.raft.reportReachable();
      member.tick(3);
    }
    expect(member.take('vote-request')).toEqual([]);
  });

  it('does nothing without pre-vote', () => {
    const member = new Member({ config: { preVote: false } });
    member.raft.reportReachable();
    member.tick(9);
    expect(member.raft.status()).toMatchObject({ role: 'follower', term: 0 });
  });
});

describe('§3.10 leadership transfer', () => {
  it('runs at once, without pre-vote, when the leader says so; not when another does', () => {
    const member = new Member({});
    member.step(append(3, 1, [0, 0], [1]));
    const timeoutNow = { kind: 'timeout-now', to: id, term: term(1) } as const;
    member.step({ ...timeoutNow, from: memberId(2) });
    expect(member.raft.role).toBe('follower');
    member.step({ ...timeoutNow, from: memberId(3) });
    expect(member.take('vote-request')).toMatchObject([
      { term: 2, preVote: false, leadershipTransfer: true },
      { term: 2, preVote: false, leadershipTransfer: true },
    ]);
  });

  it('sets the lease of the voters aside', () => {
    const member = new Member({});
    member.step(append(3, 1, [0, 0], [1]));
    member.step({ ...voteRequest(2, 2, [1, 1]), leadershipTransfer: true } as Parameters<Member['step']>[0]);
    expect(member.take('vote-response')).toMatchObject([{ granted: true }]);
  });
});

describe('a member that lost what it had promised', () => {
  const lost = () => new Member({ term: 4, rebuildUntil: 3 });
  /** Of a candidate that the leader asked to take over. */
  const transferred = (currentTerm: number, last: readonly [number, number]): Message =>
    ({ ...voteRequest(3, currentTerm, last), leadershipTransfer: true }) as Message;

  it('neither votes nor stands for election before its log holds what it may have acknowledged', () => {
    const member = lost();
    member.tick(60);
    expect(member.raft.status()).toMatchObject({ role: 'follower', term: 4 });
    member.step(voteRequest(2, 5, [9, 4]));
    expect(member.take('vote-response')).toMatchObject([{ term: 5, granted: false }]);
    member.step(voteRequest(2, 6, [9, 4], true));
    expect(member.take('vote-response')).toMatchObject([{ granted: false }]);
    expect(member.hardState).toMatchObject({ term: 5, vote: null });
  });

  it('acknowledges what it is sent, and votes again once that is committed', () => {
    const member = lost();
    member.step(append(2, 5, [0, 0], [3, 3, 3], 2));
    expect(member.take('append-response')).toMatchObject([{ success: true, index: 3 }]);
    member.step(transferred(6, [3, 3]));
    expect(member.take('vote-response')).toMatchObject([{ granted: false }]);
    member.step(append(2, 6, [3, 3], [6], 3));
    member.step(transferred(7, [4, 6]));
    expect(member.take('vote-response')).toMatchObject([{ term: 7, granted: true }]);
  });

  it('votes again once a leader that was elected without it has committed: what the longest log held may be gone', () => {
    const member = lost();
    member.step(append(2, 5, [0, 0], [3, 5], 1));
    member.step(transferred(6, [2, 5]));
    expect(member.take('vote-response')).toMatchObject([{ granted: false }]);
    member.step(append(2, 6, [2, 5], [], 2));
    member.step(transferred(7, [2, 5]));
    expect(member.take('vote-response')).toMatchObject([{ term: 7, granted: true }]);
  });
});

describe('what the host starts it with', () => {
  it('refuses timeouts that cannot work', () => {
    expect(() => new Member({ config: { electionTicks: 1, heartbeatTicks: 1 } })).toThrow(/electionTicks/);
  });

  it('refuses a hard state that is older than the log', () => {
    expect(() => new Member({ terms: [5], term: 4 })).toThrow(/term 5/);
  });

  it('refuses a log that lost committed entries', () => {
    const voters = [id];
    const hardState = { term: term(1), vote: null, commit: logIndex(3) };
    const log = MemoryLog.empty(configurationOf(voters));
    const start = () =>
      createRaft(defaults, { hardState, configuration: configurationOf(voters), applied: logIndex(0) }, log);
    expect(start).toThrow(/committed entries are lost/);
  });
});
