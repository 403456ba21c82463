import type { Deployment, ReplicaSet } from '@raftsman/api';
import type { Stored } from '@raftsman/client';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../src/deployment/decide.js';
import { revisionAnnotation, templateHash } from '../src/deployment/revisions.js';
import { fences, proportionalSizes, replicasOf, sum } from '../src/deployment/rollout-math.js';
import { deadlineAfterMs, deploymentStatus } from '../src/deployment/status.js';
import { deployment, replicaSet, stored, template } from './support/objects.js';

const rolling = (maxSurge: number | string, maxUnavailable: number | string) => ({
  strategy: { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge, maxUnavailable } },
});

/** The ReplicaSets of one Deployment, and pods that become available whenever the test lets them. */
class World {
  deployment: Stored<Deployment>;
  sets: Stored<ReplicaSet>[] = [];
  readonly available = new Map<string, number>();

  constructor(spec: Partial<Deployment['spec']>) {
    this.deployment = stored(deployment('web', spec));
  }

  /** Takes every step of the plan; answers how many there were. */
  step(): number {
    const { steps, newRs, olds } = decide(
      this.deployment,
      this.sets,
      this.sets.some((rs) => this.#isOld(rs) && (rs.status?.replicas ?? 0) > 0),
    );
    for (const step of steps) {
      if (step.kind === 'create') this.sets.push(stored({ ...step.replicaSet }));
      else if (step.kind === 'delete') this.sets = this.sets.filter((rs) => rs !== step.replicaSet);
      else {
        const uid = step.before.metadata.uid;
        this.sets = this.sets.map((rs) => (rs.metadata.uid === uid ? step.after : rs));
        const kept = Math.min(this.available.get(uid) ?? 0, replicasOf(step.after));
        this.available.set(uid, kept);
      }
    }
    this.#observe();
    const status = deploymentStatus({
      deployment: this.deployment,
      newRs,
      olds,
      nowMs: Date.UTC(2026, 0, 1),
    });
    this.deployment = { ...this.deployment, status };
    return steps.length;
  }

  /** One more pod of the nth ReplicaSet that lacks some becomes available. */
  makeAvailable(nth: number): void {
    const lacking = this.sets.filter((rs) => (this.available.get(rs.metadata.uid) ?? 0) < replicasOf(rs));
    const rs = lacking[nth % Math.max(1, lacking.length)];
    if (rs !== undefined) this.available.set(rs.metadata.uid, (this.available.get(rs.metadata.uid) ?? 0) + 1);
    this.#observe();
  }

  settle(): void {
    for (let round = 0, quiet = 0; round < 500; round += 1) {
      const steps = this.step();
      const before = this.totalAvailable();
      this.makeAvailable(0);
      quiet = steps === 0 && this.totalAvailable() === before ? quiet + 1 : 0;
      if (quiet === 3) return;
    }
    throw new Error('does not settle');
  }

  set(spec: Partial<Deployment['spec']>): void {
    const metadata = {
      ...this.deployment.metadata,
      generation: (this.deployment.metadata.generation ?? 1) + 1,
    };
    this.deployment = { ...this.deployment, metadata, spec: { ...this.deployment.spec, ...spec } };
  }

  totalReplicas(): number {
    return sum(this.sets.map(replicasOf));
  }
  totalAvailable(): number {
    return sum([...this.available.values()]);
  }
  active(): Stored<ReplicaSet>[] {
    return this.sets.filter((rs) => replicasOf(rs) > 0);
  }
  image(): string | undefined {
    return this.active()[0]?.spec.template?.spec?.containers[0]?.image;
  }
  condition(type: string) {
    return this.deployment.status?.conditions?.find((each) => each.type === type);
  }

  #isOld(rs: Stored<ReplicaSet>): boolean {
    return (
      rs.spec.template?.spec?.containers[0]?.image !==
      this.deployment.spec.template.spec?.containers[0]?.image
    );
  }
  #observe(): void {
    this.sets = this.sets.map((rs) => {
      const available = this.available.get(rs.metadata.uid) ?? 0;
      const counts = { replicas: replicasOf(rs), readyReplicas: available, availableReplicas: available };
      return { ...rs, status: { ...counts, observedGeneration: rs.metadata.generation ?? 0 } };
    });
  }
}

describe('fences', () => {
  it.each([
    [10, '25%', '25%', { maxSurge: 3, maxUnavailable: 2 }],
    [1, '25%', '25%', { maxSurge: 1, maxUnavailable: 0 }],
    [3, 0, 0, { maxSurge: 0, maxUnavailable: 1 }],
    [2, 0, 5, { maxSurge: 0, maxUnavailable: 2 }],
    [0, 1, 1, { maxSurge: 1, maxUnavailable: 0 }],
  ])('of %i replicas with surge %s and unavailable %s', (replicas, maxSurge, maxUnavailable, expected) => {
    expect(fences(deployment('d', { replicas, ...rolling(maxSurge, maxUnavailable) }))).toEqual(expected);
  });
});

describe('rolling update', () => {
  it('goes on under any fences and any order of pods becoming available, within the fences, to the end', () => {
    const fence = fc.oneof(
      fc.integer({ min: 0, max: 4 }),
      fc.constantFrom('0%', '10%', '25%', '50%', '100%'),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fence,
        fence,
        fc.array(fc.nat(3), { maxLength: 60 }),
        (replicas, maxSurge, maxUnavailable, order) => {
          const world = new World({ replicas, ...rolling(maxSurge, maxUnavailable) });
          world.settle();
          expect(world.totalAvailable()).toBe(replicas);
          world.set({ template: template('v2') });
          const limits = fences(world.deployment);
          const check = (): void => {
            expect(world.totalReplicas()).toBeLessThanOrEqual(replicas + limits.maxSurge);
            expect(world.totalAvailable()).toBeGreaterThanOrEqual(replicas - limits.maxUnavailable);
          };
          for (const nth of order) {
            world.step();
            check();
            world.makeAvailable(nth);
          }
          for (let round = 0; round < 200; round += 1) {
            world.step();
            check();
            world.makeAvailable(0);
          }
          expect(world.active()).toHaveLength(1);
          expect([world.image(), world.totalAvailable()]).toEqual(['v2', replicas]);
          expect(world.condition('Progressing')).toMatchObject({
            status: 'True',
            reason: 'NewReplicaSetAvailable',
          });
        },
      ),
      { numRuns: 120 },
    );
  });

  it('never goes below the fence when the new pods do not come up, and says so after the deadline', () => {
    const world = new World({ replicas: 4, ...rolling(1, 1) });
    world.settle();
    world.set({ template: template('broken') });
    for (let round = 0; round < 20; round += 1) world.step();
    expect([world.totalReplicas(), world.totalAvailable()]).toEqual([5, 3]);
    const { deployment: stuck } = world;
    const [newRs] = world.sets.filter((rs) => rs.spec.template?.spec?.containers[0]?.image === 'broken');
    const olds = world.sets.filter((rs) => rs !== newRs);
    const later = deploymentStatus({ deployment: stuck, newRs, olds, nowMs: Date.UTC(2026, 0, 1) + 601_000 });
    expect(later.conditions?.find(({ type }) => type === 'Progressing')).toMatchObject({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
    });
    expect(deadlineAfterMs(stuck, stuck.status!, Date.UTC(2026, 0, 1))).toBe(601_000);
  });

  it('scales in the midst of a rollout in proportion', () => {
    const max = {
      'deployment.kubernetes.io/max-replicas': '13',
      'deployment.kubernetes.io/desired-replicas': '10',
    };
    const of = (name: string, replicas: number) =>
      stored(replicaSet(name, replicas, { metadata: { name, annotations: max } }));
    const [old, fresh] = [of('old', 8), of('new', 5)];
    const sizes = proportionalSizes(stored(deployment('d', { replicas: 20, ...rolling(3, 2) })), [
      old,
      fresh,
    ]);
    expect([sizes.get(old.metadata.uid), sizes.get(fresh.metadata.uid)]).toEqual([14, 9]);
  });

  it('scales up, down and to nothing', () => {
    const world = new World({ replicas: 3 });
    world.settle();
    for (const replicas of [7, 2, 0, 4]) {
      world.set({ replicas });
      world.settle();
      expect([world.totalReplicas(), world.totalAvailable()]).toEqual([replicas, replicas]);
    }
    expect(world.sets).toHaveLength(1);
  });
});

describe('Recreate', () => {
  it('takes all old pods down before the first new one', () => {
    const world = new World({ replicas: 3, strategy: { type: 'Recreate' } });
    world.settle();
    world.set({ template: template('v2') });
    world.step();
    expect([world.totalReplicas(), world.sets.length]).toEqual([0, 1]);
    world.settle();
    expect([world.image(), world.totalAvailable()]).toEqual(['v2', 3]);
  });
});

describe('revisions', () => {
  const revision = (world: World) => world.active()[0]?.metadata.annotations?.[revisionAnnotation];

  it('count up; a rollback makes the old ReplicaSet the newest and keeps its history', () => {
    const world = new World({ replicas: 1 });
    world.settle();
    expect(revision(world)).toBe('1');
    world.set({ template: template('v2') });
    world.settle();
    expect(revision(world)).toBe('2');
    world.set({ template: template('v1') });
    world.settle();
    expect([world.sets.length, revision(world), world.image()]).toEqual([2, '3', 'v1']);
    expect(world.active()[0]?.metadata.annotations?.['deployment.kubernetes.io/revision-history']).toBe('1');
  });

  it('keep no more old ReplicaSets than the limit', () => {
    const world = new World({ replicas: 1, revisionHistoryLimit: 2 });
    for (let version = 1; version <= 6; version += 1) {
      world.set({ template: template(`v${version}`) });
      world.settle();
    }
    expect(world.sets.map((rs) => rs.spec.template?.spec?.containers[0]?.image)).toEqual(['v4', 'v5', 'v6']);
  });

  it('hash the same template to the same name, and another one on a collision', () => {
    const { labels, ...rest } = template('v1').metadata;
    const reordered = { spec: template('v1').spec, metadata: { ...rest, labels } };
    expect(templateHash(reordered, 0)).toBe(templateHash(template('v1'), 0));
    expect(templateHash(template('v1'), 1)).not.toBe(templateHash(template('v1'), 0));
    expect(templateHash(template('v1'), 0)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]+$/);
  });
});

describe('pause', () => {
  it('holds a rollout but not a scaling, and goes on when resumed', () => {
    const world = new World({ replicas: 2 });
    world.settle();
    world.set({ template: template('v2'), paused: true });
    world.settle();
    expect([world.sets.length, world.image()]).toEqual([1, 'v1']);
    expect(world.condition('Progressing')).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused' });
    world.set({ replicas: 5 });
    world.settle();
    expect([world.totalReplicas(), world.image()]).toEqual([5, 'v1']);
    world.set({ paused: false });
    world.settle();
    expect([world.totalReplicas(), world.image()]).toEqual([5, 'v2']);
  });
});

it('tells availability in Kubernetes’ words', () => {
  const world = new World({ replicas: 2 });
  world.step();
  world.step();
  expect(world.condition('Available')).toMatchObject({
    status: 'False',
    reason: 'MinimumReplicasUnavailable',
  });
  world.settle();
  expect(world.condition('Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
  expect(world.deployment.status).toMatchObject({
    replicas: 2,
    updatedReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 2,
    observedGeneration: 1,
  });
});
