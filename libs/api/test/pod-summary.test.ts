import { describe, expect, test } from 'vitest';
import { podSummary, resourceOfKind, type ContainerStatus, type KubeObject, type Pod } from '../src/index.js';

const now = Date.parse('2026-01-01T01:00:00Z');

const status = (name: string, rest: Partial<ContainerStatus>): ContainerStatus => ({
  name,
  image: '',
  imageID: '',
  ready: false,
  restartCount: 0,
  ...rest,
});
const running = (name: string, rest: Partial<ContainerStatus> = {}): ContainerStatus =>
  status(name, { ready: true, started: true, state: { running: {} }, ...rest });
const waiting = (name: string, reason: string, rest: Partial<ContainerStatus> = {}): ContainerStatus =>
  status(name, { state: { waiting: { reason } }, ...rest });
const terminated = (name: string, exitCode: number, reason?: string, signal?: number): ContainerStatus =>
  status(name, {
    state: {
      terminated: {
        exitCode,
        ...(reason === undefined ? {} : { reason }),
        ...(signal === undefined ? {} : { signal }),
      },
    },
  });

interface Shape {
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly containers?: readonly ContainerStatus[];
  readonly init?: readonly ContainerStatus[];
  readonly sidecars?: readonly string[];
  readonly status?: Partial<NonNullable<Pod['status']>>;
  readonly deleted?: true;
}

const pod = ({ phase = 'Running', containers = [], init = [], sidecars = [], ...rest }: Shape): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'x',
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...(rest.deleted ? { deletionTimestamp: '2026-01-01T00:30:00Z' } : {}),
  },
  spec: {
    containers: containers.map(({ name }) => ({ name })),
    initContainers: init.map(({ name }) => ({
      name,
      ...(sidecars.includes(name) ? { restartPolicy: 'Always' } : {}),
    })),
  },
  status: {
    phase,
    containerStatuses: [...containers],
    initContainerStatuses: [...init],
    ...rest.status,
  },
});

const text = (shape: Shape): string => {
  const { readyContainers, totalContainers, status } = podSummary(pod(shape));
  return `${readyContainers}/${totalContainers} ${status}`;
};

describe('what a pod is said to be', () => {
  test.each<[string, Shape]>([
    ['0/0 Pending', { phase: 'Pending' }],
    ['1/1 Running', { containers: [running('a')] }],
    ['1/2 Running', { containers: [running('a'), running('b', { ready: false })] }],
    ['0/1 ContainerCreating', { phase: 'Pending', containers: [waiting('a', 'ContainerCreating')] }],
    ['0/1 CrashLoopBackOff', { containers: [waiting('a', 'CrashLoopBackOff')] }],
    ['1/2 ErrImagePull', { containers: [running('a'), waiting('b', 'ErrImagePull')] }],
    ['0/2 ErrImagePull', { containers: [waiting('a', 'ErrImagePull'), waiting('b', 'CrashLoopBackOff')] }],
    ['0/1 Completed', { phase: 'Succeeded', containers: [terminated('a', 0, 'Completed')] }],
    ['0/1 Error', { phase: 'Failed', containers: [terminated('a', 1, 'Error')] }],
    ['0/1 OOMKilled', { containers: [terminated('a', 137, 'OOMKilled')] }],
    ['0/1 ExitCode:3', { containers: [terminated('a', 3)] }],
    ['0/1 Signal:9', { containers: [terminated('a', 137, undefined, 9)] }],
    ['1/2 NotReady', { containers: [terminated('a', 0, 'Completed'), running('b')] }],
    [
      '1/2 Running',
      {
        containers: [terminated('a', 0, 'Completed'), running('b')],
        status: { conditions: [{ type: 'Ready', status: 'True' }] },
      },
    ],
    ['0/0 Evicted', { phase: 'Failed', status: { reason: 'Evicted' } }],
    [
      '0/0 SchedulingGated',
      {
        phase: 'Pending',
        status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
      },
    ],
    ['1/1 Terminating', { containers: [running('a')], deleted: true }],
    ['0/1 Completed', { phase: 'Succeeded', containers: [terminated('a', 0, 'Completed')], deleted: true }],
    ['1/1 Unknown', { containers: [running('a')], deleted: true, status: { reason: 'NodeLost' } }],
  ])('%s', (expected, shape) => {
    expect(text(shape)).toBe(expected);
  });

  test.each<[string, Shape]>([
    ['0/1 Init:0/2', { init: [running('i'), waiting('j', 'PodInitializing')] }],
    ['0/1 Init:1/2', { init: [terminated('i', 0), running('j')] }],
    ['0/1 Init:Error', { init: [terminated('i', 1, 'Error'), waiting('j', 'PodInitializing')] }],
    ['0/1 Init:ExitCode:2', { init: [terminated('i', 2)] }],
    ['0/1 Init:CrashLoopBackOff', { init: [waiting('i', 'CrashLoopBackOff')] }],
    ['1/2 Init:1/2', { init: [running('i'), running('j')], sidecars: ['i'] }],
  ])('%s, while it is initialized', (expected, shape) => {
    expect(text({ phase: 'Pending', containers: [waiting('a', 'PodInitializing')], ...shape })).toBe(
      expected,
    );
  });

  test('a sidecar counts among the containers', () => {
    expect(text({ init: [running('i')], sidecars: ['i'], containers: [running('a')] })).toBe('2/2 Running');
  });
});

test('the row tells restarts, and wide cells tell where it is', () => {
  const restarted = running('a', {
    restartCount: 3,
    lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:55:00Z' } },
  });
  const shape = pod({ containers: [restarted], status: { podIPs: [{ ip: '10.0.0.1' }] } });
  shape.spec.nodeName = 'worker-1';
  const row = resourceOfKind('v1', 'Pod')?.row(shape as unknown as KubeObject, now);
  expect(row).toEqual([
    'x',
    '1/1',
    'Running',
    '3 (5m ago)',
    '60m',
    '10.0.0.1',
    'worker-1',
    '<none>',
    '<none>',
  ]);
});
