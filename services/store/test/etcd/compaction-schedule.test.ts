import { revision } from '@raftsman/mvcc';
import { describe, expect, it } from 'vitest';
import { createCompactionSchedule, type AutoCompaction } from '../../src/etcd/compaction-schedule.js';

const minute = 60_000;
const hour = 60 * minute;

interface Run {
  readonly wanted: AutoCompaction;
  readonly hours: number;
  /** At a time; default: one revision a minute. */
  readonly revisionAt?: (nowMs: number) => number;
  /** Default: always. */
  readonly leads?: (nowMs: number) => boolean;
  /** Whether a compaction succeeds; default: always. */
  readonly succeeds?: (nowMs: number) => boolean;
}

const minuteOf = (nowMs: number): number => Math.round(nowMs / minute);

/** What is compacted: [minute, revision]. */
function compactionsOf(run: Run): readonly (readonly [number, number])[] {
  const { wanted, hours, revisionAt = minuteOf, leads = () => true, succeeds = () => true } = run;
  const schedule = createCompactionSchedule(wanted, 0);
  const compactions: [number, number][] = [];
  schedule.record(revision(revisionAt(0)));
  for (let nowMs = schedule.intervalMs; nowMs <= hours * hour; nowMs += schedule.intervalMs) {
    const current = revision(revisionAt(nowMs));
    const at = leads(nowMs) ? schedule.due(nowMs, current) : null;
    if (at !== null) compactions.push([minuteOf(nowMs), at]);
    if (at !== null && succeeds(nowMs)) schedule.done(at, nowMs);
    schedule.record(current);
  }
  return compactions;
}

const periodic = (retentionMs: number) => ({ mode: 'periodic', retentionMs }) as const;

describe('a periodic schedule', () => {
  it('of an hour looks ten times an hour, and compacts every hour at what was there an hour ago', () => {
    expect(createCompactionSchedule(periodic(hour), 0).intervalMs).toBe(6 * minute);
    expect(compactionsOf({ wanted: periodic(hour), hours: 3 })).toEqual([
      [60, 0],
      [120, 54],
      [180, 114],
    ]);
  });

  it('of less compacts every retention', () => {
    expect(compactionsOf({ wanted: periodic(10 * minute), hours: 0.5 })).toEqual([
      [10, 0],
      [20, 9],
      [30, 19],
    ]);
  });

  it('of more compacts every hour, the first time after the whole retention', () => {
    expect(compactionsOf({ wanted: periodic(5 * hour), hours: 7.5 })).toEqual([
      [300, 0],
      [360, 54],
      [420, 114],
    ]);
  });

  it('compacts no revision twice: a store at rest has nothing to do', () => {
    expect(compactionsOf({ wanted: periodic(hour), hours: 10, revisionAt: () => 7 })).toEqual([[60, 7]]);
  });

  it('tries again an interval later, with what has become old meanwhile', () => {
    const succeeds = (nowMs: number): boolean => minuteOf(nowMs) !== 120 && minuteOf(nowMs) !== 126;
    expect(compactionsOf({ wanted: periodic(hour), hours: 3.5, succeeds })).toEqual([
      [60, 0],
      [120, 54],
      [126, 60],
      [132, 66],
      [192, 126],
    ]);
  });

  it('lets a new leader compact at what it saw as a follower', () => {
    const leads = (nowMs: number): boolean => minuteOf(nowMs) > 90;
    expect(compactionsOf({ wanted: periodic(hour), hours: 3, leads })).toEqual([
      [96, 30],
      [156, 90],
    ]);
  });
});

describe('a schedule of revisions', () => {
  const wanted = { mode: 'revision', retentionRevisions: 100 } as const;

  it('keeps so many, looking every five minutes', () => {
    expect(createCompactionSchedule(wanted, 0).intervalMs).toBe(5 * minute);
    expect(compactionsOf({ wanted, hours: 2 })).toEqual([
      [105, 5],
      [110, 10],
      [115, 15],
      [120, 20],
    ]);
  });

  it('compacts no revision twice, and tries one again that was refused', () => {
    const revisionAt = (nowMs: number): number => Math.min(minuteOf(nowMs), 112);
    const succeeds = (nowMs: number): boolean => minuteOf(nowMs) !== 115;
    expect(compactionsOf({ wanted, hours: 5, revisionAt, succeeds })).toEqual([
      [105, 5],
      [110, 10],
      [115, 12],
      [120, 12],
    ]);
  });
});
