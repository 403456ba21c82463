import type { Container, Pod } from '@raftsman/api';
import { describe, expect, it } from 'vitest';
import { planPod, type PlanInput } from '../src/pods/plan.js';
import type { ContainerStatus, PodSandboxStatus } from '../src/runtime/runtime.js';

describe('the plan of a pod', () => {
  const app: Container = { name: 'app', image: 'a' };
  const podOf = (spec: Partial<Pod['spec']> = {}): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', uid: 'u' },
    spec: { containers: [app], restartPolicy: 'Always', ...spec },
  });
  const sandbox = (id: string, ready: boolean, attempt = 0): PodSandboxStatus => ({
    id,
    ready,
    metadata: { name: 'p', namespace: 'default', uid: 'u', attempt },
    createdAtMs: attempt,
    labels: {},
    annotations: {},
    ips: ['10.0.0.2'],
  });
  const run = (
    name: string,
    state: ContainerStatus['state'],
    rest: Partial<ContainerStatus> = {},
  ): ContainerStatus => ({
    id: `${name}-${rest.metadata?.attempt ?? 0}`,
    sandboxId: 's0',
    metadata: { name, attempt: 0 },
    state,
    createdAtMs: 1,
    labels: {},
    annotations: {},
    image: 'a',
    imageRef: 'a',
    startedAtMs: 1,
    finishedAtMs: 2,
    exitCode: 0,
    reason: '',
    message: '',
    logPath: '',
    ...rest,
  });
  const plan = (
    pod: Pod,
    sandboxes: PodSandboxStatus[],
    containers: ContainerStatus[],
    rest: Partial<PlanInput> = {},
  ) => {
    const made = planPod({
      pod,
      state: { sandboxes, containers },
      verdict: () => ({ started: true, ready: true }),
      backoffUntilMs: () => undefined,
      nowMs: 100,
      ...rest,
    });
    return {
      finished: made.finished,
      stop: made.stopSandboxes,
      create: made.createSandbox,
      start: made.start.map(({ container, attempt }) => `${container.name}#${attempt}`),
      kill: made.kill.map(({ containerId, cause }) => `${containerId}:${cause}`),
      backingOff: [...made.backingOff.keys()],
    };
  };
  const idle = { finished: false, stop: [], create: undefined, start: [], kill: [], backingOff: [] };

  it('makes a sandbox, then containers, then leaves well alone', () => {
    expect(plan(podOf(), [], [])).toEqual({ ...idle, create: 0 });
    expect(plan(podOf(), [sandbox('s0', true)], [])).toEqual({ ...idle, start: ['app#0'] });
    expect(plan(podOf(), [sandbox('s0', true)], [run('app', 'running')])).toEqual(idle);
  });
  it('replaces a sandbox that died, and stops what it left running first', () => {
    const dead = sandbox('s0', false);
    expect(plan(podOf(), [dead], [run('app', 'running')])).toEqual({ ...idle, stop: ['s0'] });
    expect(plan(podOf(), [dead], [run('app', 'exited')])).toEqual({ ...idle, create: 1 });
    expect(plan(podOf(), [sandbox('s1', true, 1), dead], [run('app', 'exited')])).toEqual({
      ...idle,
      start: ['app#1'],
    });
  });
  it('restarts by the restart policy and waits for the back-off', () => {
    const ready = [sandbox('s0', true)];
    const ended = (exitCode: number): ContainerStatus[] => [run('app', 'exited', { exitCode })];
    expect(plan(podOf(), ready, ended(0)).start).toEqual(['app#1']);
    expect(plan(podOf({ restartPolicy: 'OnFailure' }), ready, ended(1)).start).toEqual(['app#1']);
    expect(plan(podOf({ restartPolicy: 'OnFailure' }), ready, ended(0))).toEqual({
      ...idle,
      finished: true,
      stop: ['s0'],
    });
    expect(plan(podOf({ restartPolicy: 'Never' }), ready, ended(1))).toEqual({
      ...idle,
      finished: true,
      stop: ['s0'],
    });
    expect(plan(podOf(), ready, ended(1), { backoffUntilMs: () => 200 })).toEqual({
      ...idle,
      backingOff: ['app'],
    });
  });
  it('runs init containers in order, again after a failure, and in every new sandbox', () => {
    const pod = podOf({ initContainers: [{ name: 'i1' }, { name: 'i2' }] });
    const ready = [sandbox('s0', true)];
    expect(plan(pod, ready, []).start).toEqual(['i1#0']);
    expect(plan(pod, ready, [run('i1', 'running')])).toEqual(idle);
    expect(plan(pod, ready, [run('i1', 'exited', { exitCode: 1 })]).start).toEqual(['i1#1']);
    expect(plan(pod, ready, [run('i1', 'exited')]).start).toEqual(['i2#0']);
    expect(plan(pod, ready, [run('i1', 'exited'), run('i2', 'exited')]).start).toEqual(['app#0']);
    // Once the pod has run here, cleaned-up init containers do not run again.
    expect(plan(pod, ready, [run('app', 'exited')]).start).toEqual(['app#1']);
    expect(plan(pod, [sandbox('s1', true, 1)], [run('app', 'exited'), run('i1', 'exited')]).start).toEqual([
      'i1#1',
    ]);
    const never = podOf({ initContainers: [{ name: 'i1' }], restartPolicy: 'Never' });
    expect(plan(never, ready, [run('i1', 'exited', { exitCode: 1 })]).finished).toBe(true);
  });
  it('starts sidecars before, keeps them running beside, and does not wait for them at the end', () => {
    const pod = podOf({
      initContainers: [{ name: 'side', restartPolicy: 'Always' }],
      restartPolicy: 'Never',
    });
    const ready = [sandbox('s0', true)];
    expect(plan(pod, ready, []).start).toEqual(['side#0']);
    const notStarted = { verdict: () => ({ started: false, ready: false }) };
    expect(plan(pod, ready, [run('side', 'running')], notStarted)).toEqual(idle);
    expect(plan(pod, ready, [run('side', 'running')]).start).toEqual(['app#0']);
    expect(plan(pod, ready, [run('side', 'exited'), run('app', 'running')]).start).toEqual(['side#1']);
    expect(plan(pod, ready, [run('side', 'running'), run('app', 'exited')])).toMatchObject({
      finished: true,
      stop: ['s0'],
    });
  });
  it('kills what a probe condemned or what has a new image', () => {
    const ready = [sandbox('s0', true)];
    const sick = { verdict: () => ({ started: true, ready: false, unhealthy: 'liveness' as const }) };
    expect(plan(podOf(), ready, [run('app', 'running')], sick).kill).toEqual(['app-0:liveness']);
    const old = run('app', 'running', { annotations: { 'io.kubernetes.container.hash': 'other' } });
    expect(plan(podOf(), ready, [old]).kill).toEqual(['app-0:changed']);
    expect(plan(podOf(), ready, [run('app', 'unknown')])).toEqual({ ...idle, kill: ['app-0:unknown'] });
  });
  it('never starts a pod again that the API has for finished', () => {
    const pod = { ...podOf(), status: { phase: 'Succeeded' as const } };
    expect(plan(pod, [], [])).toEqual({ ...idle, finished: true });
  });
  it('counts on from what the API remembers when the runtime has forgotten', () => {
    const status = {
      containerStatuses: [
        { name: 'app', image: 'a', imageID: 'a', ready: true, restartCount: 4, containerID: 'x://y' },
      ],
    };
    expect(plan({ ...podOf(), status }, [sandbox('s0', true)], []).start).toEqual(['app#5']);
  });
});
