import fc from 'fast-check';
import { configurationOf, encodeConfiguration, logIndex, memberId, term } from '@raftsman/raft';
import type { Message } from '@raftsman/raft';
import { describe, expect, it } from 'vitest';
import { messageKinds } from '../../../test/support/message-kinds.js';
import { Member, append, voteRequest } from './harness.js';

/** Numbers that a liar, or a broken peer, may put anywhere. */
const anyNumber = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 6 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      -1,
      0.5,
      Number.NaN,
      Infinity,
      -Infinity,
      2 ** 53,
      2 ** 53 - 1,
      2 ** 53 - 2,
      2 ** 32,
    ),
  },
  { weight: 1, arbitrary: fc.double() },
);
const ids = (...values: readonly number[]) => values.map(memberId);
const someConfigurations = [
  configurationOf([]),
  configurationOf(ids(1)),
  configurationOf(ids(1, 2, 3), { outgoing: ids(2, 4), learners: ids(5), witnesses: ids(3) }),
  configurationOf(ids(2, 3), { learners: ids(1) }),
  configurationOf(ids(1, 1)),
];
const anyEntry = fc.record({
  index: anyNumber,
  term: anyNumber,
  type: fc.constantFrom('normal', 'configuration'),
  data: fc.constantFrom(new Uint8Array(1), ...someConfigurations.map(encodeConfiguration)),
});
const fields = {
  from: anyNumber,
  to: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: anyNumber }),
  term: anyNumber,
  preVote: fc.boolean(),
  granted: fc.boolean(),
  success: fc.boolean(),
  leadershipTransfer: fc.boolean(),
  lastLogIndex: anyNumber,
  lastLogTerm: anyNumber,
  prevLogIndex: anyNumber,
  prevLogTerm: anyNumber,
  entries: fc.array(anyEntry, { maxLength: 3 }),
  commit: anyNumber,
  heldByAll: anyNumber,
  index: anyNumber,
  hintIndex: anyNumber,
  hintTerm: anyNumber,
  readContext: anyNumber,
  sentAtMs: anyNumber,
  promiseMs: anyNumber,
  requestId: anyNumber,
  meta: fc.record({
    index: anyNumber,
    term: anyNumber,
    configuration: fc.constantFrom(...someConfigurations),
  }),
};
const anyMessage = fc.record({
  kind: fc.constantFrom(...messageKinds, 'snapshot-request'),
  ...fields,
}) as unknown as fc.Arbitrary<Message>;
const anyAct = fc.oneof(
  { weight: 8, arbitrary: anyMessage.map((message) => (member: Member) => member.step(message)) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 25 }).map((ticks) => (member: Member) => member.tick(ticks)),
  },
  { weight: 1, arbitrary: fc.constant((member: Member) => member.lead()) },
);

describe('hostile messages', () => {
  it('never make the core throw or break an invariant', () => {
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 30 }), fc.boolean(), (acts, isWitness) => {
        const member = new Member({ terms: [1, 1, 2], config: { witness: isWitness } });
        let commit = 0;
        for (const act of acts) {
          act(member);
          const now = member.raft.status();
          expect(now.commit).toBeGreaterThanOrEqual(commit);
          expect(now.commit).toBeLessThanOrEqual(now.lastIndex);
          ({ commit } = now);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('are counted: a second leader in a term, entries that do not follow, acknowledgements beyond the log', () => {
    const member = new Member({});
    member.step(append(3, 1, [0, 0], [1], 1));
    member.step(append(2, 1, [0, 0], [1], 1));
    member.step({ ...append(3, 1, [1, 1], [1]), entries: [{ ...entry, index: logIndex(9) }] } as Message);
    member.step(voteRequest(1, 1, [0, 0]));
    expect(member.raft.status()).toMatchObject({ refusedMessages: 3, leader: 3, lastIndex: 1 });
    const leader = new Member({});
    leader.lead();
    leader.acknowledge(2, 99);
    expect(leader.raft.status()).toMatchObject({ refusedMessages: 1, commit: 0 });
  });

  it('cannot take committed entries away', () => {
    const member = new Member({});
    member.step(append(3, 1, [0, 0], [1, 1, 1], 3));
    member.step(append(2, 2, [0, 0], [2, 2, 2, 2], 4));
    expect(member.raft.status()).toMatchObject({ commit: 3, lastIndex: 3 });
    expect(member.log.termAt(logIndex(1))).toBe(1);
  });
});

const entry = { index: logIndex(2), term: term(1), type: 'normal', data: new Uint8Array(0) } as const;

it('a member that is not a voter neither runs, proposes nor reads', () => {
  const member = new Member({ voters: 3, config: { id: memberId(7) } });
  member.tick(50);
  expect(member.raft.role).toBe('follower');
  expect(member.raft.propose([])).toBe('not-a-member');
  expect(member.raft.readIndex(1)).toBe('not-a-member');
});
