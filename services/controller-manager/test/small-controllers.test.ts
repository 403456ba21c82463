import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseControllers } from '../src/config.js';
import { controllerNames } from '../src/controller-names.js';
import { decideDependent, matters, pendingWork, type OwnerState } from '../src/garbage-collector/decide.js';
import { firstFree, formatCidr, parseCidr } from '../src/node-ipam/cidr.js';
import { command } from '../src/main.js';
import { unreachableKey } from '../src/node-lifecycle/judgement.js';
import { claim } from '../src/ownership.js';
import { decidePodGc } from '../src/pod-gc/decide.js';
import { labels, node, pod, replicaSet, stored } from './support/objects.js';

describe('CIDRs', () => {
  it('are read and written, and refused when they are none', () => {
    for (const text of ['10.244.0.0/16', '0.0.0.0/0', '192.168.1.128/25'])
      expect(formatCidr(parseCidr(text)!)).toBe(text);
    for (const text of ['10.244.0.1/16', '10.0.0.0', '256.0.0.0/8', '10.0.0.0/33', 'fd00::/8', '']) {
      expect(parseCidr(text)).toBeUndefined();
    }
  });

  it('free parts lie within the network, overlap nothing that is used, and run out only when there is none', () => {
    const cluster = parseCidr('10.0.0.0/24')!;
    const prefix = fc.integer({ min: 24, max: 30 });
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 40 }), (prefixes) => {
        const used: { base: number; prefixLength: number }[] = [];
        const takenOf = (base: number) =>
          used.some((each) => base >= each.base && base < each.base + 2 ** (32 - each.prefixLength));
        for (const prefixLength of prefixes) {
          const size = 2 ** (32 - prefixLength);
          const starts = Array.from({ length: 256 / size }, (_, index) => cluster.base + index * size);
          const free = starts.filter((start) =>
            Array.from({ length: size }, (_, at) => start + at).every((each) => !takenOf(each)),
          );
          const found = firstFree(cluster, prefixLength, used);
          expect(found?.base).toBe(free[0]);
          if (found !== undefined) used.push(found);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('pod garbage collection', () => {
  const now = Date.UTC(2026, 0, 1, 0, 1);
  const dead = stored({
    ...node('dead'),
    spec: { taints: [{ key: unreachableKey, effect: 'NoExecute' as const }] },
  });
  const alive = stored(node('alive'));
  const nodeOf = (name: string) => [dead, alive].find(({ metadata }) => metadata.name === name);
  const going = (at: string) => ({ metadata: { deletionTimestamp: at } });
  const plan = (pods: ReturnType<typeof pod>[], terminatedMax = 10) =>
    decidePodGc({ pods: pods.map((each) => stored(each)), nodeOf, terminatedMax, nowMs: now });
  const names = (pods: readonly { metadata: { name: string } }[]) =>
    pods.map(({ metadata }) => metadata.name);

  it('removes terminating pods of unreachable nodes once their grace period is over, and those that were never bound', () => {
    const { remove } = plan([
      pod('over', { node: 'dead', ...going('2026-01-01T00:00:30Z') }),
      pod('not-yet', { node: 'dead', ...going('2026-01-01T00:01:30Z') }),
      pod('alive', { node: 'alive', ...going('2026-01-01T00:00:30Z') }),
      pod('running', { node: 'dead' }),
      pod('unbound', going('2026-01-01T00:01:30Z')),
    ]);
    expect(names(remove)).toEqual(['over', 'unbound']);
  });

  it('names pods of unknown nodes, and removes finished pods beyond the threshold, oldest first', () => {
    const { remove, orphans } = plan(
      [
        pod('lost', { node: 'nowhere' }),
        pod('first', { node: 'alive', phase: 'Succeeded' }),
        pod('second', { node: 'alive', phase: 'Failed' }),
        pod('third', { node: 'alive', phase: 'Succeeded' }),
      ],
      1,
    );
    expect([names(remove), names(orphans)]).toEqual([['first', 'second'], ['lost']]);
  });
});

describe('garbage collection', () => {
  const owners = (...states: OwnerState[]) =>
    states.map((state, index) => ({
      state,
      reference: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `o${index}`, uid: `o${index}` },
    }));
  const object = stored(pod('p'));

  it.each([
    ['no owners', owners(), false, { kind: 'keep' }],
    ['an owner that is there', owners('present'), false, { kind: 'keep' }],
    ['an owner of a kind nobody knows', owners('unknown'), false, { kind: 'keep' }],
    ['no owner left', owners('absent', 'absent'), true, { kind: 'delete', propagation: 'Background' }],
    ['one there, one gone', owners('present', 'absent'), false, { kind: 'unlink', uids: new Set(['o1']) }],
    [
      'one there, one that waits',
      owners('waiting', 'present'),
      false,
      { kind: 'unlink', uids: new Set(['o0']) },
    ],
    ['an owner that waits', owners('waiting'), false, { kind: 'delete', propagation: 'Background' }],
    [
      'an owner that waits, and dependents of its own',
      owners('waiting'),
      true,
      { kind: 'delete', propagation: 'Foreground' },
    ],
  ])('%s', (_, all, hasDependents, verdict) => {
    expect(decideDependent(object, all, hasDependents)).toEqual(verdict);
  });

  it('an object that goes already is left alone but for its finalizers, orphaning first', () => {
    const going = (...finalizers: string[]) =>
      stored(pod('p', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers } }));
    expect(decideDependent(going(), owners('absent'), false)).toEqual({ kind: 'keep' });
    expect(pendingWork(going('foregroundDeletion', 'orphan'))).toBe('orphan');
    expect(pendingWork(going('foregroundDeletion'))).toBe('foreground');
    expect(pendingWork(going('mine'))).toBeUndefined();
    expect(pendingWork(stored(pod('p', { metadata: { finalizers: ['orphan'] } })))).toBeUndefined();
  });

  it('looks only at changes that can matter', () => {
    const owned = stored(
      pod('p', { metadata: { ownerReferences: owners('present').map(({ reference }) => reference) } }),
    );
    expect(matters(undefined, owned)).toBe(true);
    expect(matters(undefined, object)).toBe(false);
    expect(matters(owned, { ...owned, status: { phase: 'Running' } } as typeof owned)).toBe(false);
    expect(matters(object, { ...object, metadata: { ...object.metadata, deletionTimestamp: 'x' } })).toBe(
      true,
    );
  });
});

describe('claims', () => {
  it('keep what is ours, adopt orphans that match, release what does not match any more, and touch nothing of others', () => {
    const rs = stored(replicaSet('rs', 1));
    const ref = (uid: string) => [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x', uid, controller: true },
    ];
    const ours = stored(pod('ours', { metadata: { ownerReferences: ref(rs.metadata.uid) } }));
    const strayed = stored(
      pod('strayed', { metadata: { ownerReferences: ref(rs.metadata.uid), labels: { app: 'other' } } }),
    );
    const orphan = stored(pod('orphan'));
    const theirs = stored(pod('theirs', { metadata: { ownerReferences: ref('somebody') } }));
    const leaving = stored(pod('leaving', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }));
    const all = [ours, strayed, orphan, theirs, leaving];
    expect(claim(rs, { matchLabels: labels }, all)).toEqual({
      owned: [ours],
      adopt: [orphan],
      release: [strayed],
    });
    const going = stored(
      replicaSet('rs', 1, { metadata: { ...rs.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    );
    expect(claim(going, { matchLabels: labels }, all)).toEqual({ owned: [ours], adopt: [], release: [] });
  });
});

describe('flags', () => {
  it('--controllers takes all, some, and all but some', () => {
    expect(parseControllers('*').size).toBe(controllerNames.length);
    expect([...parseControllers('deployment,replicaset')]).toEqual(['deployment', 'replicaset']);
    expect(parseControllers('*,-nodeipam').has('nodeipam')).toBe(false);
    expect(() => parseControllers('*,-nope')).toThrow(/there is no controller "nope"/);
  });

  it('are refused in one line when malformed', () => {
    const said: string[] = [];
    const run = (...flags: string[]) =>
      command()
        .exitOverride()
        .configureOutput({ writeErr: (text) => said.push(text) })
        .parse(flags, { from: 'user' });
    expect(() => run('--cluster-cidr', '10.0.0.1/8')).toThrow(/expected an IPv4 network/);
    expect(() => run('--node-monitor-grace-period', 'soon')).toThrow(/expected a duration/);
    expect(() => run('--leader-elect', 'perhaps')).toThrow(/expected true or false/);
  });
});
