import { describe, expect, it } from 'vitest';
import {
  checkLinearizability,
  emptyStore,
  explain,
  Replay,
  storeModel,
  type KvEvent,
  type KvInput,
} from '@raftsman/faults';
import type { KvOperation } from './simulated.js';

const put = (key: string, value: string, modRevision: number, version: number, lease = '0'): KvEvent => ({
  type: 'PUT',
  kv: { key, value, createRevision: modRevision - version + 1, modRevision, version, lease },
});
const gone = (key: string, modRevision: number): KvEvent => ({
  type: 'DELETE',
  kv: { key, value: '', createRevision: 0, modRevision, version: 0, lease: '0' },
});
const acked = (startMs: number, input: KvInput, output: object): KvOperation =>
  ({ process: 1, startMs, input, outcome: { kind: 'ok', endMs: startMs + 1, output } }) as KvOperation;
const lost = (startMs: number, input: KvInput): KvOperation => ({
  process: 2,
  startMs,
  input,
  outcome: { kind: 'unknown', error: 'timeout' },
});

/** Each revision is first seen at ten times its number. */
function judge(
  changes: readonly (readonly KvEvent[])[],
  operations: KvOperation[],
  unknownBefore: KvOperation[] = [],
) {
  const replay = new Replay(emptyStore);
  for (const events of changes) replay.append(events);
  const explained = explain({ replay, operations, unknownBefore, seenMs: (revision) => revision * 10 });
  const verdict = checkLinearizability(storeModel(emptyStore), explained.operations, {
    now: () => performance.now(),
  });
  return { anomalies: explained.anomalies, verdict: verdict.kind };
}

const fine = { anomalies: [], verdict: 'linearizable' };
const a1: KvInput = { op: 'put', key: 'a', value: '1' };
const a2: KvInput = { op: 'put', key: 'a', value: '2' };

describe('what clients were told and what watchers saw', () => {
  it('agree with acknowledged writes, a lost one that happened and one that did not', () => {
    const changes = [[put('a', '1', 2, 1)], [put('a', '2', 3, 2)], [gone('a', 4)]];
    const operations = [
      acked(1, a1, { revision: 2 }),
      lost(5, a2),
      lost(6, { op: 'put', key: 'a', value: 'never' }),
      acked(35, { op: 'delete', key: 'a' }, { revision: 4, deleted: 1 }),
    ];
    expect(judge(changes, operations)).toEqual(fine);
  });

  it('agree with one that happens after its phase, and with either branch of a transaction', () => {
    const txn: KvInput = {
      op: 'txn',
      compares: [{ key: 'a', modRevision: 9 }],
      success: [{ op: 'put', key: 'a', value: 'yes' }],
      failure: [
        { op: 'put', key: 'b', value: 'no' },
        { op: 'delete', key: 'c' },
      ],
    };
    expect(judge([[put('a', '1', 2, 1)], [put('b', 'no', 3, 1)]], [lost(0, txn)], [lost(-50, a1)])).toEqual(
      fine,
    );
  });

  it('agree with a lease that ends', () => {
    const leased: KvInput = { op: 'put', key: 'a', value: '1', lease: '7' };
    expect(judge([[put('a', '1', 2, 1, '7')], [gone('a', 3)]], [acked(1, leased, { revision: 2 })])).toEqual(
      fine,
    );
  });

  it('do not with an acknowledged write that never was', () => {
    const { anomalies } = judge(
      [[put('a', '2', 2, 1)]],
      [acked(1, a1, { revision: 2 }), acked(2, a2, { revision: 2 })],
    );
    expect(anomalies).toHaveLength(2);
    expect(anomalies[0]).toContain('was acknowledged with revision 2, where PUT a 2 happened');
    expect(anomalies[1]).toContain('two writes were acknowledged with revision 2');
  });

  it('do not with a change that nobody asked for, or not yet, or that happened twice', () => {
    expect(judge([[put('a', '1', 2, 1)]], []).anomalies).toEqual([
      'at revision 2, PUT a 1 happened, which nobody asked for',
    ]);
    expect(judge([[put('a', '1', 2, 1)]], [lost(21, a1)]).anomalies).toHaveLength(1);
    const twice = judge([[put('a', '1', 2, 1)], [put('a', '1', 3, 2)]], [lost(0, a1)]);
    expect(twice.anomalies).toEqual(['at revision 3, PUT a 1 happened, more often than anybody asked for']);
  });

  it('agree if a deletion of several keys and one of a single key may each have been the other', () => {
    const both = lost(0, { op: 'delete', key: 'a', end: 'c' });
    const one = lost(0, { op: 'delete', key: 'a' });
    const changes = [
      [put('a', '1', 2, 1)],
      [gone('a', 3)],
      [put('a', '2', 4, 1)],
      [put('b', '3', 5, 1)],
      [gone('a', 6), gone('b', 6)],
    ];
    const puts = [
      acked(1, a1, { revision: 2 }),
      acked(3, a2, { revision: 4 }),
      acked(5, { op: 'put', key: 'b', value: '3' }, { revision: 5 }),
    ];
    expect(judge(changes, [...puts, both, one])).toEqual(fine);
    expect(judge(changes, [...puts, one, both])).toEqual(fine);
    expect(judge(changes, [...puts, both]).anomalies).toHaveLength(1);
  });

  it('do not with a read that missed what had been seen before it began', () => {
    const stale = acked(25, { op: 'range', key: 'a' }, { revision: 1, kvs: [], count: 0 });
    expect(judge([[put('a', '1', 2, 1)]], [lost(0, a1), stale]).verdict).toBe('not-linearizable');
  });
});
