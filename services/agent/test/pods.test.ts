import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Container, Pod, PodSpec } from '@raftsman/api';
import { createLogger } from '@raftsman/telemetry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PodManager } from '../src/pods/pod-manager.js';
import { StatusWriter } from '../src/pods/status-writer.js';
import { ProcessRuntime } from '../src/runtime/process/process-runtime.js';
import { FakeApi } from './fake-api.js';
import { eventually } from './support.js';

const logger = createLogger({ component: 'test', level: 'silent' });

let rootDir: string;
let api: FakeApi;
let runtime: ProcessRuntime;
let manager: PodManager;
/** Added to the wall clock, so that back-offs need not be sat out. */
let skewMs: number;

const startManager = (): PodManager => {
  const started = new PodManager({
    runtime,
    sink: api,
    objects: api,
    events: api,
    statuses: new StatusWriter(api, logger),
    logger,
    rootDir,
    nodeName: 'node-1',
    hostIp: '127.0.0.1',
    allocatable: { cpu: 2, memory: 1e9 },
    now: () => Date.now() + skewMs,
  });
  api.subscribe(started);
  return started;
};

beforeEach(async () => {
  skewMs = 0;
  rootDir = await mkdtemp(join(tmpdir(), 'raftsman-agent-'));
  api = new FakeApi();
  runtime = await ProcessRuntime.open({ rootDir: join(rootDir, 'process'), version: 'test', logger });
  await runtime.updateRuntimeConfig({ podCidr: '127.77.2.0/24' });
  manager = startManager();
});
afterEach(async () => {
  await manager.close();
  await runtime.close();
  await rm(rootDir, { recursive: true, force: true });
});

const shell = (script: string, rest: Partial<Container> = {}): Container => ({
  name: 'main',
  image: 'any',
  command: ['/bin/sh', '-c', script],
  ...rest,
});
const pod = (name: string, containers: Container[], spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, labels: { app: name } },
  spec: {
    nodeName: 'node-1',
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 1,
    containers,
    ...spec,
  },
});
const ready = (uid: string): string | undefined =>
  api.status(uid).conditions?.find(({ type }) => type === 'Ready')?.status;
const main = (uid: string) => api.status(uid).containerStatuses?.[0];
const logOf = (name: string, attempt = 0): Promise<string> =>
  readFile(join(rootDir, 'logs', `default_${name}_uid-${name}`, 'main', `${attempt}.log`), 'utf8');

describe('a pod', () => {
  it('runs, is ready, is stopped and taken out of the API', async () => {
    api.put(pod('web', [shell('echo "$POD_IP"; exec sleep 1000')]));
    await eventually(() => expect(ready('uid-web')).toBe('True'));
    const status = api.status('uid-web');
    expect(status.phase).toBe('Running');
    expect(status.podIP).toMatch(/^127\.77\.2\.\d+$/);
    expect(status.hostIP).toBe('127.0.0.1');
    expect(status.qosClass).toBe('BestEffort');
    expect(main('uid-web')).toMatchObject({ ready: true, started: true, restartCount: 0 });
    expect(main('uid-web')?.containerID).toMatch(/^process:\/\/[0-9a-f]{64}$/);
    expect(api.reasons('web')).toEqual(['Created', 'Started']);
    await eventually(async () => expect(await logOf('web')).toContain(`stdout F ${status.podIP}`));

    api.delete('uid-web');
    await eventually(() => expect(api.pods.size).toBe(0));
    expect(api.reasons('web')).toContain('Killing');
    expect(await runtime.listPodSandboxes()).toEqual([]);
    expect(await runtime.listContainers()).toEqual([]);
    await eventually(() => expect(manager.size).toBe(0));
    await expect(logOf('web')).rejects.toThrow(/ENOENT/);
  });

  it('writes its status only when it changes, and again after a failure', async () => {
    api.failures = [new Error('the API is away'), new Error('the API is away')];
    api.put(pod('quiet', [shell('exec sleep 1000')]));
    await eventually(() => expect(ready('uid-quiet')).toBe('True'));
    const writes = api.statusWrites;
    for (let i = 0; i < 5; i += 1) api.put(api.pods.get('uid-quiet')!);
    manager.find('default', 'quiet')!.wake();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(api.statusWrites).toBe(writes);
  });

  it('that crashes is restarted at once, then backs off', async () => {
    api.put(pod('crash', [shell('echo run; exit 3')]));
    await eventually(() => expect(main('uid-crash')?.state?.waiting?.reason).toBe('CrashLoopBackOff'));
    expect(main('uid-crash')).toMatchObject({
      restartCount: 1,
      ready: false,
      state: {
        waiting: { message: expect.stringContaining('back-off 10s restarting failed container=main') },
      },
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    });
    expect(api.status('uid-crash').phase).toBe('Running');
    expect(ready('uid-crash')).toBe('False');
    expect(api.reasons('crash')).toEqual(['Created', 'Started', 'Created', 'Started', 'BackOff']);
    skewMs += 11_000;
    manager.find('default', 'crash')!.wake();
    await eventually(() => expect(main('uid-crash')?.restartCount).toBe(2));
    await eventually(() => expect(main('uid-crash')?.state?.waiting?.message).toContain('back-off 20s'));
    // The run before is kept for `kubectl logs --previous`; older ones are not.
    expect((await runtime.listContainers()).length).toBeLessThanOrEqual(2);
  });

  it('of restartPolicy Never fails or succeeds for good', async () => {
    api.put(pod('bad', [shell('exit 2')], { restartPolicy: 'Never' }));
    api.put(pod('good', [shell('exit 0')], { restartPolicy: 'OnFailure' }));
    await eventually(() => expect(api.status('uid-bad').phase).toBe('Failed'));
    await eventually(() => expect(api.status('uid-good').phase).toBe('Succeeded'));
    expect(main('uid-bad')?.state?.terminated).toMatchObject({ exitCode: 2, reason: 'Error' });
    expect(main('uid-good')?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(api.status('uid-good').conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False', reason: 'PodCompleted' }),
    );
    await eventually(async () =>
      expect((await runtime.listPodSandboxes()).every((sandbox) => !sandbox.ready)).toBe(true),
    );
  });

  it('runs its init containers one after the other before its own', async () => {
    const volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
    const step = (name: string, text: string): Container => ({
      ...shell(`echo ${text} >> "$RAFTSMAN_VOLUME_SHARED/steps"`, { volumeMounts }),
      name,
    });
    const own = shell('echo main >> "$RAFTSMAN_VOLUME_SHARED/steps"; cat shared/steps; exec sleep 1000', {
      volumeMounts,
    });
    const spec = {
      initContainers: [step('one', '1'), step('two', '2')],
      volumes: [{ name: 'shared', emptyDir: {} }],
    };
    api.put(pod('init', [own], spec));
    await eventually(() => expect(ready('uid-init')).toBe('True'));
    await eventually(async () =>
      expect((await logOf('init')).match(/F (.*)/g)).toEqual(['F 1', 'F 2', 'F main']),
    );
    const inits = api.status('uid-init').initContainerStatuses!;
    expect(inits.map(({ ready: done, state }) => [done, state?.terminated?.reason])).toEqual([
      [true, 'Completed'],
      [true, 'Completed'],
    ]);
  });

  it('without a command says what the process runtime needs', async () => {
    api.put(pod('image-only', [{ name: 'main', image: 'nginx' }]));
    await eventually(() =>
      expect(main('uid-image-only')?.state?.waiting?.reason).toBe('ProcessRuntimeNeedsCommand'),
    );
    expect(api.events).toContainEqual(
      expect.objectContaining({ type: 'Warning', reason: 'ProcessRuntimeNeedsCommand' }),
    );
    expect(api.status('uid-image-only').phase).toBe('Pending');
  });

  it('waits for what it refers to, and runs once it is there', async () => {
    const env = [
      { name: 'FROM_MAP', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
      { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: 'hidden', key: 'word' } } },
      { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'ALL', value: '$(FROM_MAP)-$(FROM_SECRET)-$(NAME)-$$(NAME)-$(UNKNOWN)' },
    ];
    const container = shell('', {
      env,
      command: ['/bin/echo', '$(ALL)'],
      envFrom: [{ prefix: 'X_', configMapRef: { name: 'settings' } }],
    });
    api.secrets.set('hidden', { word: 'swordfish' });
    api.put(pod('refers', [container], { restartPolicy: 'Never' }));
    await eventually(() =>
      expect(main('uid-refers')?.state?.waiting).toEqual({
        reason: 'CreateContainerConfigError',
        message: 'configmap "settings" not found',
      }),
    );
    api.configMaps.set('settings', { colour: 'red' });
    await eventually(() => expect(api.status('uid-refers').phase).toBe('Succeeded'));
    expect(await logOf('refers')).toContain('F red-swordfish-refers-$(NAME)-$(UNKNOWN)');
  });

  it('is restarted when its liveness probe fails, and unready while its readiness probe does', async () => {
    const probe = (command: string) => ({
      exec: { command: ['/bin/sh', '-c', command] },
      periodSeconds: 1,
      timeoutSeconds: 30,
      failureThreshold: 1,
    });
    const flag = join(rootDir, 'flag');
    const container = shell('exec sleep 1000', {
      readinessProbe: probe(`test -e ${flag}.ready`),
      livenessProbe: probe(`test ! -e ${flag}.dead`),
    });
    api.put(pod('probed', [container]));
    await eventually(() => expect(main('uid-probed')?.state?.running).toBeDefined());
    await eventually(() => expect(api.reasons('probed')).toContain('Unhealthy'));
    expect(ready('uid-probed')).toBe('False');
    const { writeFile } = await import('node:fs/promises');
    await writeFile(`${flag}.ready`, '');
    await eventually(() => expect(ready('uid-probed')).toBe('True'));
    await writeFile(`${flag}.dead`, '');
    await eventually(() => expect(main('uid-probed')?.restartCount).toBe(1));
    const killing = api.events.find(({ reason }) => reason === 'Killing');
    expect(killing?.message).toBe('Container main failed liveness probe, will be restarted');
    expect(main('uid-probed')?.lastState?.terminated?.exitCode).toBe(143);
  });

  it('gets its whole grace, and no more than a later, shorter one', async () => {
    api.put(
      pod('stubborn', [shell('trap "" TERM; echo up; while :; do sleep 0.05; done')], {
        terminationGracePeriodSeconds: 600,
      }),
    );
    await eventually(async () => expect(await logOf('stubborn')).toContain('up'));
    api.delete('uid-stubborn');
    await eventually(() => expect(api.reasons('stubborn')).toContain('Killing'));
    expect(api.pods.size).toBe(1);
    api.delete('uid-stubborn', 0);
    await eventually(() => expect(api.pods.size).toBe(0));
  });

  it('that vanished from the API is ended', async () => {
    api.put(pod('gone', [shell('exec sleep 1000')]));
    await eventually(() => expect(ready('uid-gone')).toBe('True'));
    api.vanish('uid-gone');
    await eventually(async () => expect(await runtime.listPodSandboxes()).toEqual([]));
    await eventually(() => expect(manager.size).toBe(0));
  });

  it('that runs here without the API knowing it is ended once the API was heard', async () => {
    api.put(pod('stale', [shell('exec sleep 1000')]));
    await eventually(() => expect(ready('uid-stale')).toBe('True'));
    await manager.close();
    api.pods.delete('uid-stale');
    manager = startManager();
    await eventually(async () => expect(await runtime.listPodSandboxes()).toEqual([]));
  });

  it('is taken over by a new agent without a restart', async () => {
    api.put(pod('kept', [shell('exec sleep 1000')]));
    await eventually(() => expect(ready('uid-kept')).toBe('True'));
    const before = main('uid-kept');
    await manager.close();
    const writes = api.statusWrites;
    manager = startManager();
    manager.find('default', 'kept')!.wake();
    await eventually(() => expect(manager.find('default', 'kept')!.state.containers.length).toBe(1));
    expect(main('uid-kept')).toEqual(before);
    expect(api.statusWrites - writes).toBeLessThanOrEqual(1);
  });
});

describe('what the API has of a pod', () => {
  it('is put right when somebody else changed it', async () => {
    api.put(pod('doubted', [shell('exec sleep 1000')]));
    await eventually(() => expect(ready('uid-doubted')).toBe('True'));
    const current = api.pods.get('uid-doubted')!;
    const conditions = current.status!.conditions!.map((condition) =>
      condition.type === 'Ready' ? { ...condition, status: 'False' as const } : condition,
    );
    api.put({ ...current, status: { ...current.status, conditions } });
    await eventually(() => expect(ready('uid-doubted')).toBe('True'));
    expect(api.reasons('doubted')).toEqual(['Created', 'Started']);
  });
});
