import fc from 'fast-check';
import { MemoryLog, configurationOf, logIndex, memberId, term } from '@raftsman/raft';
import { describe, expect, it } from 'vitest';
import { Progress } from '../src/progress.js';
import { electionOutcome, isMajority, reachedByMajority } from '../src/quorum.js';
import { entriesOf } from './harness.js';

const votersUpTo = (count: number) =>
  configurationOf(Array.from({ length: count }, (_, at) => memberId(at + 1)));

describe('majorities', () => {
  it('agree with counting and sorting', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 7 }), (matches) => {
        const sorted = matches.toSorted((left, right) => right - left);
        const expected = sorted[Math.floor(matches.length / 2)];
        expect(reachedByMajority(votersUpTo(matches.length), (member) => matches[member - 1] ?? 0)).toBe(
          expected,
        );
      }),
    );
  });

  it('are two in a joint configuration, each counted as if it were alone', () => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }).map(memberId), { minLength: 1, maxLength: 5 });
    const votes = fc.array(fc.constantFrom(true, false, undefined), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(
        ids,
        ids,
        votes,
        fc.array(fc.nat(20), { minLength: 10 }),
        (voters, outgoing, cast, match) => {
          const given = new Map(
            cast.flatMap((vote, at) => (vote === undefined ? [] : [[memberId(at), vote]])),
          );
          const joint = configurationOf(voters, { outgoing });
          const sides = [configurationOf(voters), configurationOf(outgoing)];
          const numberOf = (member: number) => match[member] ?? 0;
          const has = (member: number) => cast[member] === true;
          const outcomes = sides.map((side) => electionOutcome(side, given));
          const both = outcomes.every((outcome) => outcome === 'won');
          const lost = outcomes.some((outcome) => outcome === 'lost');
          expect(electionOutcome(joint, given)).toBe(both ? 'won' : lost ? 'lost' : 'pending');
          expect(reachedByMajority(joint, numberOf)).toBe(
            Math.min(...sides.map((side) => reachedByMajority(side, numberOf))),
          );
          expect(isMajority(joint, has)).toBe(sides.every((side) => isMajority(side, has)));
        },
      ),
    );
  });

  it('win, lose, or wait', () => {
    const outcome = (...votes: readonly [number, boolean][]) =>
      electionOutcome(votersUpTo(5), new Map(votes.map(([voter, vote]) => [memberId(voter), vote])));
    expect(outcome([1, true], [2, true], [3, true])).toBe('won');
    expect(outcome([1, true], [2, true], [3, false], [4, false])).toBe('pending');
    expect(outcome([1, true], [3, false], [4, false], [5, false])).toBe('lost');
    expect(outcome([7, true], [8, true], [9, true])).toBe('pending');
    expect(electionOutcome(configurationOf([]), new Map())).not.toBe('won');
  });
});

describe('progress', () => {
  it('probe, replicate, and back after a refusal', () => {
    const progress = new Progress(10);
    progress.sent(9, 0);
    expect(progress.mode).toEqual({ kind: 'probe', sent: true });
    progress.rejected(9, 4);
    expect(progress).toMatchObject({ next: 5, mode: { kind: 'probe', sent: false } });
    progress.accepted(6);
    expect(progress).toMatchObject({ match: 6, next: 7, mode: { kind: 'replicate', inflight: [] } });
    progress.sent(8, 3);
    progress.sent(9, 3);
    progress.rejected(6, 2);
    expect(progress, 'a stale refusal').toMatchObject({ next: 10, mode: { inflight: [8, 9] } });
    progress.rejected(8, 7);
    expect(progress).toMatchObject({ match: 6, next: 8, mode: { kind: 'probe', sent: false } });
    progress.check(9, 4);
  });

  it('after a snapshot it waits for a sign of life, then goes on behind it', () => {
    const progress = new Progress(1);
    progress.startSnapshot(20);
    progress.resume(30);
    progress.rejected(0, 0);
    expect(progress.mode.kind).toBe('snapshot');
    progress.endSnapshot(true);
    expect(progress).toMatchObject({ next: 21, mode: { kind: 'probe', sent: true } });
    progress.resume(30);
    expect(progress.mode).toEqual({ kind: 'probe', sent: false });
  });
});

describe('the log in memory', () => {
  const log = () => {
    const made = MemoryLog.empty(votersUpTo(1));
    made.append(entriesOf([1, 1, 2, 2, 3]));
    return made;
  };

  it('appends over a tail that conflicts', () => {
    const made = log();
    made.append(entriesOf([4], 3));
    expect([made.lastIndex, made.termAt(logIndex(3))]).toEqual([3, 4]);
    expect(() => made.append(entriesOf([4], 9))).toThrow(/does not fit/);
  });

  it('forgets what a snapshot covers, and no more', () => {
    const made = log();
    expect(() => made.compact(logIndex(2))).toThrow(/snapshot/);
    made.snapshotTaken({ index: logIndex(3), term: term(2), configuration: votersUpTo(1) });
    made.compact(logIndex(2));
    expect([made.compactedIndex, made.compactedTerm, made.lastIndex, made.length]).toEqual([2, 1, 5, 3]);
    expect(made.termAt(logIndex(1))).toBeUndefined();
    expect(made.termAt(logIndex(2))).toBe(1);
    expect(() => made.slice(logIndex(2), logIndex(4), 1)).toThrow(/compacted/);
    expect(made.slice(logIndex(3), logIndex(6), 1_000_000).map(({ index }) => index)).toEqual([3, 4, 5]);
    expect(made.slice(logIndex(3), logIndex(6), 1).map(({ index }) => index)).toEqual([3]);
  });

  it('is replaced by a snapshot', () => {
    const made = log();
    made.restore({ index: logIndex(9), term: term(4), configuration: votersUpTo(1) });
    expect([made.compactedIndex, made.lastIndex, made.length, made.snapshotMeta().term]).toEqual([
      9, 9, 0, 4,
    ]);
  });
});
