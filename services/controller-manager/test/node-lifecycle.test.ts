import type { Taint, Toleration } from '@raftsman/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evictionAtMs,
  holdsBack,
  notReadyKey,
  unreachableKey,
  wantedReady,
  wantedTaints,
  type Verdict,
} from '../src/node-lifecycle/judgement.js';
import { node, pod, stored } from './support/objects.js';

const now = Date.UTC(2026, 0, 1);
const ready = (status: 'True' | 'False' | 'Unknown', reason = 'KubeletReady', taints: Taint[] = []) =>
  stored({ ...node('n'), spec: { taints }, status: { conditions: [{ type: 'Ready', status, reason }] } });
const effects = (taints: readonly Taint[] | undefined) =>
  taints?.map(({ key, effect }) => `${key}:${effect}`);
const unreachable: Taint[] = [
  { key: unreachableKey, effect: 'NoSchedule', timeAdded: '2026-01-01T00:00:00Z' },
  { key: unreachableKey, effect: 'NoExecute', timeAdded: '2026-01-01T00:00:00Z' },
];

describe('the brake', () => {
  const nodes = (heard: number, silent: number, handled = 0) => [
    ...Array.from({ length: heard }, () => ({ verdict: 'alive' as Verdict, handled: false })),
    ...Array.from({ length: silent }, () => ({ verdict: 'silent' as Verdict, handled: false })),
    ...Array.from({ length: handled }, () => ({ verdict: 'silent' as Verdict, handled: true })),
  ];
  it.each([
    ['one of three', nodes(2, 1), false],
    ['two of three: the third takes their pods', nodes(1, 2), false],
    ['all of three', nodes(0, 3), true],
    ['one of one', nodes(0, 1), true],
    ['three of four', nodes(1, 3), true],
    ['three of ten', nodes(7, 3), false],
    ['six of ten', nodes(4, 6), true],
    ['one more after two that were dealt with', nodes(2, 1, 2), false],
    ['the last one that was heard', nodes(0, 1, 3), true],
    ['nobody', nodes(5, 0, 2), false],
    ['a new leader that has heard nobody yet', [{ verdict: undefined, handled: false }], false],
  ])('%s', (_, all, held) => {
    expect(holdsBack(all, 0.55, 2)).toBe(held);
  });

  it('always holds when nobody is heard, and never because of nodes that were dealt with', () => {
    const count = fc.integer({ min: 0, max: 20 });
    fc.assert(
      fc.property(count, count, count, (heard, silent, handled) => {
        const held = holdsBack(nodes(heard, silent, handled), 0.55, 2);
        expect(held || heard > 0 || silent === 0).toBe(true);
        expect(held && heard > 0 && silent <= 2).toBe(false);
        expect(holdsBack(nodes(heard, silent), 0.55, 2)).toBe(held);
      }),
    );
  });
});

describe('the Ready condition', () => {
  it('becomes Unknown by silence and comes back with the first beat, each once', () => {
    expect(wantedReady(ready('True'), 'silent', now)).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
    });
    expect(wantedReady(ready('Unknown', 'NodeStatusUnknown'), 'silent', now)).toBeUndefined();
    expect(wantedReady(ready('Unknown', 'NodeStatusUnknown'), 'alive', now)).toMatchObject({
      status: 'True',
      reason: 'KubeletReady',
    });
    expect(wantedReady(ready('True'), 'alive', now)).toBeUndefined();
  });
  it('is the agent’s own while it is heard, and nobody’s before there is a verdict', () => {
    expect(wantedReady(ready('False', 'KubeletNotReady'), 'alive', now)).toBeUndefined();
    expect(wantedReady(ready('Unknown', 'NodeStatusUnknown'), undefined, now)).toBeUndefined();
    expect(wantedReady(ready('True'), undefined, now)).toBeUndefined();
  });
});

describe('taints', () => {
  it('follow the condition, and leave the others alone', () => {
    const own: Taint = { key: 'team', value: 'a', effect: 'NoSchedule' };
    expect(effects(wantedTaints(ready('Unknown', 'NodeStatusUnknown', [own]), true, now))).toEqual([
      'team:NoSchedule',
      `${unreachableKey}:NoSchedule`,
      `${unreachableKey}:NoExecute`,
    ]);
    expect(wantedTaints(ready('Unknown', 'NodeStatusUnknown', unreachable), true, now)).toBeUndefined();
    expect(effects(wantedTaints(ready('True', 'KubeletReady', [own, ...unreachable]), false, now))).toEqual([
      'team:NoSchedule',
    ]);
    expect(effects(wantedTaints(ready('False', 'KubeletNotReady', unreachable), false, now))).toEqual([
      `${notReadyKey}:NoSchedule`,
      `${notReadyKey}:NoExecute`,
    ]);
    expect(wantedTaints(ready('True', 'KubeletReady', [own]), true, now)).toBeUndefined();
  });
  it('are neither set while evictions are held back nor taken away by that', () => {
    expect(wantedTaints(ready('Unknown', 'NodeStatusUnknown'), false, now)).toBeUndefined();
    expect(wantedTaints(ready('Unknown', 'NodeStatusUnknown', unreachable), false, now)).toBeUndefined();
  });
});

describe('eviction', () => {
  const defaults = { notReadySeconds: 60, unreachableSeconds: 0 };
  const tolerating = (...tolerations: Toleration[]) => ({ spec: { ...pod('p').spec, tolerations } });
  const at = (who: Parameters<typeof evictionAtMs>[0], taints: Taint[] = unreachable) =>
    evictionAtMs(who, taints, defaults);
  it.each([
    ['nothing tolerated: at once', tolerating(), now],
    [
      'tolerated for a while',
      tolerating({ key: unreachableKey, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }),
      now + 300_000,
    ],
    [
      'the shortest of several',
      tolerating({ operator: 'Exists', tolerationSeconds: 30 }, { key: unreachableKey, operator: 'Exists' }),
      now + 30_000,
    ],
    ['for ever', tolerating({ operator: 'Exists' }), undefined],
    ['a toleration of something else', tolerating({ key: 'other', operator: 'Exists' }), now],
  ])('%s', (_, who, expected) => {
    expect(at(who)).toBe(expected);
  });
  it('goes by the soonest of several taints, and NoSchedule evicts nobody', () => {
    const notReady: Taint = { key: notReadyKey, effect: 'NoExecute', timeAdded: '2026-01-01T00:00:10Z' };
    const custom: Taint = { key: 'drain', effect: 'NoExecute', timeAdded: '2026-01-01T00:00:20Z' };
    expect(at(tolerating(), [notReady])).toBe(now + 70_000);
    expect(at(tolerating(), [notReady, custom])).toBe(now + 20_000);
    expect(at(tolerating(), [{ key: 'x', effect: 'NoSchedule' }])).toBeUndefined();
  });
});
