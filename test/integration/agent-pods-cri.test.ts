import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Container, Pod, PodSpec } from '@raftsman/api';
import { createLogger } from '@raftsman/telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLog } from '../../services/agent/src/logs/read-log.js';
import { rotateLog } from '../../services/agent/src/logs/rotate.js';
import { PodManager } from '../../services/agent/src/pods/pod-manager.js';
import { StatusWriter } from '../../services/agent/src/pods/status-writer.js';
import { writeCniConfig } from '../../services/agent/src/runtime/cri/cni.js';
import { CriRuntime } from '../../services/agent/src/runtime/cri/cri-runtime.js';
import { FakeApi } from '../../services/agent/test/fake-api.js';
import { eventually } from '../../services/agent/test/support.js';
import { busyboxImage, missingForContainerd, startContainerd, type Containerd } from './agent-containerd.js';

const logger = createLogger({ component: 'test', level: 'silent' });
const run = promisify(execFile);
const missing = missingForContainerd();
const why = missing === undefined ? '' : ` (SKIPPED: ${missing})`;

describe.skipIf(missing !== undefined)(`pods in containers${why}`, () => {
  let containerd: Containerd;
  let runtime: CriRuntime;
  let api: FakeApi;
  let manager: PodManager;
  let rootDir: string;

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
      hostIp: '10.251.8.1',
      allocatable: { cpu: 2, memory: 4e9 },
      now: Date.now,
    });
    api.subscribe(started);
    return started;
  };

  beforeAll(async () => {
    rootDir = await mkdtemp(join(tmpdir(), 'raftsman-agent-cri-'));
    containerd = await startContainerd();
    const network = { podCidr: '10.251.8.0/24', dataDir: containerd.cniDataDir };
    await writeCniConfig(containerd.cniConfDir, network);
    runtime = await CriRuntime.connect({ endpoint: containerd.endpoint, logger });
    await eventually(async () => expect((await runtime.status()).every(({ status }) => status)).toBe(true));
    api = new FakeApi();
    manager = startManager();
  }, 180_000);
  afterAll(async () => {
    await manager?.close();
    for (const { id } of (await runtime?.listPodSandboxes()) ?? []) {
      await runtime.stopPodSandbox(id);
      await runtime.removePodSandbox(id);
    }
    await runtime?.close();
    await containerd?.stop();
    await rm(rootDir, { recursive: true, force: true });
  }, 180_000);

  const shell = (script: string, rest: Partial<Container> = {}): Container => ({
    name: 'main',
    image: busyboxImage.name,
    imagePullPolicy: 'IfNotPresent',
    command: ['/bin/sh', '-c', script],
    ...rest,
  });
  const put = (name: string, container: Container, spec: Partial<PodSpec> = {}): string => {
    const uid = `uid-${name}-${process.pid}`;
    api.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', uid, labels: { app: name } },
      spec: { containers: [container], restartPolicy: 'Always', terminationGracePeriodSeconds: 1, ...spec },
    } satisfies Pod);
    return uid;
  };
  const main = (uid: string) => api.status(uid).containerStatuses?.[0];
  const ready = (uid: string) => api.status(uid).conditions?.find(({ type }) => type === 'Ready')?.status;
  const get = (host: string, path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = request({ host, port: 8080, path, agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.once('end', () => resolve(body));
      });
      sent.once('error', reject);
      sent.end();
    });

  /** A busy machine may take its time for an answer. */
  const probing = { periodSeconds: 1, timeoutSeconds: 30 };

  it('serve on their own address what their volumes hold, once their probe passes', async () => {
    api.configMaps.set('site', { 'index.html': 'hello from a container' });
    const uid = put(
      'web',
      shell('exec httpd -f -p 8080 -h /www', {
        ports: [{ name: 'http', containerPort: 8080 }],
        readinessProbe: { httpGet: { path: '/index.html', port: 'http' }, ...probing },
        livenessProbe: { exec: { command: ['test', '-e', '/www/index.html'] }, ...probing },
        startupProbe: { tcpSocket: { port: 8080 }, ...probing },
        volumeMounts: [{ name: 'site', mountPath: '/www' }],
        resources: { limits: { cpu: '500m', memory: '64Mi' } },
      }),
      { volumes: [{ name: 'site', configMap: { name: 'site' } }] },
    );
    await eventually(() => expect(ready(uid)).toBe('True'));
    const status = api.status(uid);
    expect(status.podIP).toMatch(/^10\.251\.8\.\d+$/);
    expect(status.qosClass).toBe('Guaranteed');
    expect(main(uid)?.containerID).toMatch(/^containerd:\/\/[0-9a-f]{64}$/);
    expect(await get(status.podIP!, '/index.html')).toBe('hello from a container');
    expect(api.reasons('web').slice(0, 3)).toEqual(['Pulled', 'Created', 'Started']);
    expect(api.events[0]?.message).toBe(`Container image "${busyboxImage.name}" already present on machine`);
  });

  it('go on untouched when the agent is replaced', async () => {
    const uid = `uid-web-${process.pid}`;
    const before = main(uid);
    const events = api.events.length;
    await manager.close();
    manager = startManager();
    await eventually(() => expect(manager.find('default', 'web')?.state.containers.length).toBe(1));
    await eventually(async () => expect(await get(api.status(uid).podIP!, '/index.html')).toContain('hello'));
    expect(main(uid)).toEqual(before);
    expect(ready(uid)).toBe('True');
    expect(api.events.length).toBe(events);
  });

  it('are restarted when they are killed behind the agent’s back', async () => {
    const uid = put('victim', shell('exec sleep 1000'));
    await eventually(() => expect(ready(uid)).toBe('True'));
    const [container] = manager.find('default', 'victim')!.state.containers;
    await runtime.stopContainer(container!.id, 0);
    await eventually(() => expect(main(uid)?.restartCount).toBe(1));
    await eventually(() => expect(ready(uid)).toBe('True'));
    expect(main(uid)?.lastState?.terminated).toMatchObject({ exitCode: 137, reason: 'Error' });
  });

  it('get a new sandbox when theirs dies', async () => {
    const uid = `uid-web-${process.pid}`;
    const [sandbox] = manager.find('default', 'web')!.state.sandboxes;
    await runtime.stopPodSandbox(sandbox!.id);
    await eventually(() => {
      const state = manager.find('default', 'web')!.state;
      expect(state.sandboxes.find((each) => each.ready)?.id).not.toBe(sandbox!.id);
      // Who looks between the two finds the container dead in a sandbox that still lives, and starts it there once more.
      expect(main(uid)?.restartCount).toBeGreaterThanOrEqual(1);
      expect(ready(uid)).toBe('True');
    });
    expect(await get(api.status(uid).podIP!, '/index.html')).toContain('hello');
  });

  it('whose image cannot be pulled say so, and back off', async () => {
    const uid = put('missing', shell('true', { image: 'registry.invalid/none:1' }));
    await eventually(() => expect(main(uid)?.state?.waiting?.reason).toBe('ErrImagePull'));
    await eventually(() => expect(main(uid)?.state?.waiting?.reason).toBe('ImagePullBackOff'));
    expect(api.status(uid).phase).toBe('Pending');
    expect(api.reasons('missing').slice(0, 5)).toEqual(['Pulling', 'Failed', 'Failed', 'BackOff', 'Failed']);
    const never = put('never', shell('true', { image: 'registry.invalid/none:1', imagePullPolicy: 'Never' }));
    await eventually(() => expect(main(never)?.state?.waiting?.reason).toBe('ErrImageNeverPull'));
  });

  it('keep their last words, see their hosts file, and may not be root if they say so', async () => {
    const uid = put('words', shell('cat /etc/hosts; echo "why I ended" > /dev/termination-log; exit 1'), {
      restartPolicy: 'Never',
      hostAliases: [{ ip: '1.2.3.4', hostnames: ['elsewhere'] }],
    });
    await eventually(() => expect(api.status(uid).phase).toBe('Failed'));
    expect(main(uid)?.state?.terminated).toMatchObject({ exitCode: 1, message: 'why I ended\n' });
    const [status] = manager.find('default', 'words')!.state.containers;
    expect(await readFile(status!.logPath, 'utf8')).toContain('1.2.3.4\telsewhere');
    const root = put('root', shell('true', { securityContext: { runAsNonRoot: true } }));
    await eventually(() => expect(main(root)?.state?.waiting?.reason).toBe('CreateContainerConfigError'));
    const user = put(
      'user',
      shell('id -u; exec sleep 1000', { securityContext: { runAsNonRoot: true, runAsUser: 1234 } }),
    );
    await eventually(() => expect(ready(user)).toBe('True'));
  });

  it('write into a new log file once the old one was moved aside', async () => {
    const uid = put('talk', shell('while :; do echo line; sleep 0.05; done'));
    await eventually(() => expect(ready(uid)).toBe('True'));
    const [status] = manager.find('default', 'talk')!.state.containers;
    const gone = new AbortController();
    let seen = 0;
    const following = (async () => {
      const options = { timestamps: false, follow: true, isRunning: () => true, signal: gone.signal };
      for await (const block of readLog(status!.logPath, options))
        seen += block.toString().match(/line\n/g)?.length ?? 0;
    })();
    await eventually(() => expect(seen).toBeGreaterThan(2));
    expect(await rotateLog(status!.logPath, 1)).toBe(true);
    await runtime.reopenContainerLog(status!.id);
    const before = seen;
    await eventually(() => expect(seen).toBeGreaterThan(before + 5));
    expect((await readFile(status!.logPath, 'utf8')).length).toBeGreaterThan(0);
    gone.abort();
    await following;
  });

  it('leave nothing behind', async () => {
    for (const uid of api.pods.keys()) api.delete(uid);
    await eventually(() => expect(api.pods.size).toBe(0));
    expect(await runtime.listPodSandboxes()).toEqual([]);
    expect(await runtime.listContainers()).toEqual([]);
    const { stdout } = await run('ip', ['-4', '-o', 'route', 'show', 'root', '10.251.8.0/24']);
    expect(stdout).toBe('');
    await eventually(() => expect(manager.size).toBe(0));
  });
});
