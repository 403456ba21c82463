import { describe, expect, test } from 'vitest';
import { logIndex, term, type Raft, type Refusal } from '@raftsman/raft';
import { decodeEnvelope } from '../src/replica/envelope.js';
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
