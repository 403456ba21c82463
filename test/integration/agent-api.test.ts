import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { run, type AgentConfig } from '@raftsman/agent';
import type { Pod } from '@raftsman/api';
import { createApiClient, isNotFound, kinds, type ApiClient } from '@raftsman/client';
import { createLogger } from '@raftsman/telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectl, kubectlMissing } from '../support/kubectl.js';
import { anyStore, eventually, startTestBed, type TestBed } from './apiserver/harness.js';

const level = process.env['RAFTSMAN_TEST_LOG'] === '1' ? 'debug' : 'silent';
const logger = createLogger({ component: 'agent', level });

/** An agent with its own certificate against a real apiserver on a real store. */
describe('an agent and its API', () => {
  let bed: TestBed;
  let admin: ApiClient;
  let rootDir: string;
  let stop: AbortController;
  let running: Promise<void>;

  const startAgent = (): void => {
    const { folder } = bed.pki;
    stop = new AbortController();
    const config: AgentConfig = {
      api: {
        apiservers: [bed.api.grpcAddress],
        certFile: folder.certFile('node-1'),
        keyFile: folder.keyFile('node-1'),
        caFile: folder.certFile('ca'),
      },
      nodeName: 'node-1',
      nodeIp: '127.0.0.1',
      port: 0,
      rootDir,
      runtimeEndpoint: 'process',
      heartbeatIntervalMs: 200,
      natsServers: [],
      nodeLabels: { 'example.org/rack': 'a' },
      registerWithTaints: [],
      maxPods: 42,
      cniConfDir: undefined,
      nodeRoutes: false,
      tlsCertFile: folder.certFile('server'),
      tlsPrivateKeyFile: folder.keyFile('server'),
      clientCaFile: folder.certFile('ca'),
      logLevel: level,
    };
    running = run(config, logger, stop.signal);
    running.catch(() => undefined);
  };
  const stopAgent = async (): Promise<void> => {
    stop.abort();
    await running;
  };

  beforeAll(async () => {
    bed = await startTestBed(anyStore);
    rootDir = await mkdtemp(join(tmpdir(), 'raftsman-agent-api-'));
    const { folder } = bed.pki;
    admin = createApiClient({
      apiservers: [bed.api.grpcAddress],
      security: {
        certFile: folder.certFile('admin'),
        keyFile: folder.keyFile('admin'),
        caFile: folder.certFile('ca'),
      },
      fieldManager: 'test',
    });
    startAgent();
  }, 180_000);
  afterAll(async () => {
    await stopAgent();
    admin.close();
    await bed.stop();
    await rm(rootDir, { recursive: true, force: true });
  }, 120_000);

  const node = () => admin.of(kinds.nodes).get({ name: 'node-1' });
  const pod = (name: string) => admin.of(kinds.pods).get({ namespace: 'default', name });
  const readyOf = (object: {
    status?: { conditions?: { type: string; status: string; reason?: string }[] };
  }) => object.status?.conditions?.find(({ type }) => type === 'Ready');
  const create = (name: string, script: string): Promise<unknown> => {
    const made: Pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: {
        nodeName: 'node-1',
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'main', image: 'none', command: ['/bin/sh', '-c', script] }],
      },
    };
    return admin.of(kinds.pods).create(made);
  };

  it('registers its Node, which is ready once it has a podCIDR', async () => {
    const waiting = await eventually(async () => {
      const found = await node();
      return readyOf(found)?.reason === 'KubeletNotReady' && found;
    });
    expect(waiting.metadata.labels).toMatchObject({
      'example.org/rack': 'a',
      'kubernetes.io/hostname': 'node-1',
    });
    expect(waiting.status?.capacity?.['pods']).toBe('42');
    await admin.of(kinds.nodes).modify({ name: 'node-1' }, (current) => ({
      ...current,
      spec: { ...current.spec, podCIDR: '127.77.9.0/24' },
    }));
    await eventually(async () => readyOf(await node())?.status === 'True');
  });

  it('runs a pod that was bound to it, and writes nothing while nothing changes', async () => {
    await create('web', 'echo "I am $POD_IP"; exec sleep 1000');
    await eventually(async () => readyOf(await pod('web'))?.status === 'True');
    expect((await pod('web')).status?.podIP).toMatch(/^127\.77\.9\.\d+$/);
    const revision = async (): Promise<string> => (await admin.of(kinds.configMaps).list()).resourceVersion;
    // What comes late of its start is no change.
    const still = async (): Promise<boolean> => {
      const before = await revision();
      await pause(4_000);
      return (await revision()) === before;
    };
    expect(await eventually(still, 30_000)).toBe(true);
  });

  it.skipIf(kubectlMissing !== null)('shows in kubectl: get, logs, describe, delete', async () => {
    const admins = bed.kubeconfig('admin');
    expect((await kubectl(admins, ['get', 'pods'])).stdout).toMatch(/web\s+1\/1\s+Running\s+0/);
    expect((await kubectl(admins, ['get', 'nodes'])).stdout).toMatch(/node-1\s+Ready/);
    expect((await kubectl(admins, ['logs', 'web'])).stdout).toMatch(/^I am 127\.77\.9\.\d+\n$/);
    const missing = await kubectl(admins, ['logs', 'web', '--previous']);
    expect([missing.code, missing.stderr]).toEqual([
      1,
      expect.stringContaining('previous terminated container "main" in pod "web" not found'),
    ]);
    await eventually(async () =>
      (await kubectl(admins, ['describe', 'pod', 'web'])).stdout.includes('Started container main'),
    );
    const deleted = await kubectl(admins, ['delete', 'pod', 'web']);
    expect(deleted.stdout).toContain('pod "web" deleted');
    await eventually(() =>
      pod('web').then(
        () => false,
        (error: unknown) => isNotFound(error),
      ),
    );
  });

  it('contradicts whoever takes it for dead, at once', async () => {
    await create('doubted', 'exec sleep 1000');
    await eventually(async () => readyOf(await pod('doubted'))?.status === 'True');
    const unknown = <T extends { status?: { conditions?: { type: string; status: string }[] } }>(
      object: T,
    ): T => ({
      ...object,
      status: {
        ...object.status,
        conditions: (object.status?.conditions ?? []).map((each) =>
          each.type === 'Ready' ? { ...each, status: 'Unknown', reason: 'NodeStatusUnknown' } : each,
        ),
      },
    });
    await admin.of(kinds.nodes).modify({ name: 'node-1' }, (current) => unknown(current), { status: true });
    await eventually(async () => readyOf(await node())?.status === 'True');
    const ref = { namespace: 'default', name: 'doubted' };
    await admin.of(kinds.pods).modify(ref, (current) => unknown(current), { status: true });
    await eventually(async () => readyOf(await pod('doubted'))?.status === 'True');
    expect((await pod('doubted')).status?.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  it('starts its pods again after it was stopped, and counts on', async () => {
    await stopAgent();
    startAgent();
    await eventually(async () => {
      const [main] = (await pod('doubted')).status?.containerStatuses ?? [];
      return main?.restartCount === 1 && main.ready;
    });
    const [main] = (await pod('doubted')).status!.containerStatuses!;
    expect(main?.lastState?.terminated?.exitCode).toBeGreaterThan(0);
  });
});
