import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isActive } from '../src/pods.js';
import { decideReplicas, rankForDeletion } from '../src/replica-set/decide.js';
import { creationOf, deletionOf, Expectations } from '../src/replica-set/expectations.js';
import { replicaSetStatus } from '../src/replica-set/status.js';
import { slowStart } from '../src/slow-start.js';
import { pod, replicaSet, stored } from './support/objects.js';

const none = new Map<string, number>();
const names = (pods: readonly { metadata: { name: string } }[]) => pods.map(({ metadata }) => metadata.name);

describe('which pods go first', () => {
  it('follows Kubernetes, criterion by criterion', () => {
    const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
    const make = (name: string, options: Parameters<typeof pod>[1], created = at(0)) =>
      stored(
        pod(name, {
          node: 'n1',
          ready: true,
          ...options,
          metadata: { creationTimestamp: created, ...options?.metadata },
        }),
      );
    const unassigned = stored(pod('unassigned', { phase: 'Pending' }));
    const pending = make('pending', { phase: 'Pending', ready: false });
    const unready = make('unready', { ready: false });
    const cheap = make('cheap', {
      metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } },
    });
    const doubled = make('doubled', { node: 'n2' });
    const lateReady = make('late-ready', { readySince: at(30) });
    const restarted = make('restarted', {
      containerStatuses: [{ name: 'web', image: '', imageID: '', ready: true, restartCount: 4 }],
    });
    const younger = make('younger', {}, at(50));
    const older = make('older', {});
    const all = [older, younger, restarted, lateReady, doubled, cheap, unready, pending, unassigned];
    expect(
      names(
        rankForDeletion(
          all,
          new Map([
            ['n2', 2],
            ['n1', 1],
          ]),
        ),
      ),
    ).toEqual(names(all.toReversed()));
  });

  it('creates what is missing and removes what is too much, in bounded steps', () => {
    const pods = Array.from({ length: 4 }, (_, index) => stored(pod(`p${index}`)));
    expect(decideReplicas(6, pods, none, 500)).toEqual({ create: 2, remove: [] });
    expect(decideReplicas(1_000, pods, none, 500).create).toBe(500);
    expect(decideReplicas(1, pods, none, 2).remove).toHaveLength(2);
    expect(decideReplicas(4, pods, none, 500)).toEqual({ create: 0, remove: [] });
  });
});

describe('expectations', () => {
  it('hold until every object was seen, each once', () => {
    const expectations = new Expectations(1_000);
    expectations.expect('rs', creationOf('a'), 0);
    expectations.expect('rs', deletionOf('u'), 0);
    expectations.observed('rs', creationOf('a'));
    expectations.observed('rs', creationOf('a'));
    expect(expectations.waitMs('rs', 10)).toBe(990);
    expectations.observed('rs', deletionOf('u'));
    expect(expectations.waitMs('rs', 10)).toBe(0);
  });

  it('are given up after the timeout', () => {
    const expectations = new Expectations(1_000);
    expectations.expect('rs', creationOf('a'), 0);
    expect(expectations.waitMs('rs', 1_000)).toBe(0);
    expect(expectations.waitMs('rs', 1_001)).toBe(0);
  });
});

/** A ReplicaSet controller over a cache that shows events late and in its own time. */
it('with a cache that lags, reaches the wanted number without ever overshooting', () => {
  const event = fc.constantFrom('reconcile', 'reconcile', 'deliver', 'die');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 6 }), fc.array(event, { maxLength: 80 }), (wanted, script) => {
      const expectations = new Expectations();
      const real = new Map<string, ReturnType<typeof stored<ReturnType<typeof pod>>>>();
      const cache = new Map(real);
      const pending: { type: 'add' | 'gone'; object: ReturnType<typeof stored<ReturnType<typeof pod>>> }[] =
        [];
      let made = 0;
      const deliver = (): void => {
        const next = pending.shift();
        if (next === undefined) return;
        const { name, uid } = next.object.metadata;
        if (next.type === 'add') {
          cache.set(name, next.object);
          expectations.observed('rs', creationOf(name));
        } else {
          cache.delete(name);
          expectations.observed('rs', deletionOf(uid));
          expectations.observed('rs', creationOf(name));
        }
      };
      const remove = (name: string): void => {
        const object = real.get(name);
        if (object === undefined) return;
        real.delete(name);
        pending.push({ type: 'gone', object });
      };
      const reconcile = (): void => {
        if (expectations.waitMs('rs', 0) > 0) return;
        const { create, remove: extra } = decideReplicas(
          wanted,
          [...cache.values()].filter(isActive),
          none,
          500,
        );
        for (let index = 0; index < create; index += 1) {
          made += 1;
          const object = stored(pod(`p${made}`));
          expectations.expect('rs', creationOf(object.metadata.name), 0);
          real.set(object.metadata.name, object);
          pending.push({ type: 'add', object });
        }
        for (const { metadata } of extra) {
          expectations.expect('rs', deletionOf(metadata.uid), 0);
          if (real.has(metadata.name)) remove(metadata.name);
          else expectations.observed('rs', deletionOf(metadata.uid));
        }
        expect(real.size).toBeLessThanOrEqual(wanted);
      };
      for (const step of script) {
        if (step === 'reconcile') reconcile();
        else if (step === 'deliver') deliver();
        else remove([...real.keys()][0] ?? '');
      }
      for (let round = 0; round < 10; round += 1) {
        while (pending.length > 0) deliver();
        reconcile();
      }
      expect(real.size).toBe(wanted);
    }),
  );
});

describe('status', () => {
  it('counts ready and available pods, and says when the next one becomes available', () => {
    const now = Date.UTC(2026, 0, 1, 0, 0, 10);
    const pods = [
      stored(pod('old', { ready: true, readySince: '2026-01-01T00:00:00Z' })),
      stored(pod('new', { ready: true, readySince: '2026-01-01T00:00:08Z' })),
      stored(pod('unready')),
    ];
    const wanted = replicaSet('rs', 3);
    const { status, recheckAfterMs } = replicaSetStatus(
      stored({ ...wanted, spec: { ...wanted.spec, minReadySeconds: 5 } }),
      pods,
      undefined,
      now,
    );
    expect(status).toMatchObject({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 2,
      availableReplicas: 1,
      observedGeneration: 1,
    });
    expect(recheckAfterMs).toBe(3_000);
  });

  it('tells a failure, and takes it back', () => {
    const failed = replicaSetStatus(
      stored(replicaSet('rs', 1)),
      [],
      { reason: 'FailedCreate', message: 'no' },
      0,
    ).status;
    expect(failed.conditions).toMatchObject([
      { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'no' },
    ]);
    const rs = stored(replicaSet('rs', 1, { status: failed }));
    expect(replicaSetStatus(rs, [], undefined, 0).status.conditions).toEqual([]);
  });
});

describe('slow start', () => {
  it('doubles its batches while all succeed and stops at the first failing one', async () => {
    let calls = 0;
    const { succeeded, failure } = await slowStart(100, 1, () => {
      calls += 1;
      return calls > 5 ? Promise.reject(new Error('quota')) : Promise.resolve();
    });
    expect([succeeded, calls, (failure as Error).message]).toEqual([5, 7, 'quota']);
    expect(await slowStart(10, 1, () => Promise.resolve())).toEqual({ succeeded: 10, failure: undefined });
  });
});
