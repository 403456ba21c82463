import type { Deployment, Node } from '@raftsman/api';
import { createApiClient, kinds, type ApiClient, type Stored } from '@raftsman/client';
import { parseControllers, run as runControllerManager } from '@raftsman/controller-manager';
import { startBeatSender } from '@raftsman/heartbeat';
import { run as runScheduler } from '@raftsman/scheduler';
import { createLogger } from '@raftsman/telemetry';
import type { TlsFiles } from '@raftsman/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../libs/client/test/support/until.js';
import { kubectl, kubectlMissing } from '../../support/kubectl.js';
import { anyStore, startTestBed, type TestBed } from '../apiserver/harness.js';

const logger = createLogger({
  component: 'test',
  level: process.env['RAFTSMAN_TEST_LOG'] === '1' ? 'debug' : 'silent',
});
/** Renewals as they are, in a Lease that does not run out while a test lasts: who leads next was let. */
const election = (leaseName: string) => ({
  leaderElect: true,
  leaseNamespace: 'kube-system',
  leaseName,
  candidate: 'test',
  leaseDurationMs: 240_000,
  renewDeadlineMs: 180_000,
  retryPeriodMs: 1_500,
});

const labels = { app: 'web' };
const deployment: Deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 2,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'v1' }] } },
  },
};

/** One master's two leaders-to-be, as their own processes would run them: own certificates, beats over gRPC. */
interface Master {
  stop(): Promise<void>;
}

describe('both services on the real apiserver', () => {
  let bed: TestBed;
  let client: ApiClient;
  const masters: Master[] = [];
  const stopBeats = new AbortController();

  const tls = (file: string): TlsFiles => {
    const { folder } = bed.pki;
    return { certFile: folder.certFile(file), keyFile: folder.keyFile(file), caFile: folder.certFile('ca') };
  };
  const startMaster = (): Master => {
    const stop = new AbortController();
    const apiservers = [bed.api.grpcAddress];
    const running = [
      runControllerManager(
        {
          apiservers,
          security: tls('controllers'),
          leaderElection: election('kube-controller-manager'),
          controllers: parseControllers('*'),
          natsServers: [],
          nodeMonitorGracePeriodMs: 2_000,
          defaultNotReadyTolerationSeconds: 60,
          defaultUnreachableTolerationSeconds: 0,
          clusterCidr: undefined,
          nodeCidrMaskSize: 24,
          terminatedPodGcThreshold: 100,
          rootCa: undefined,
          logLevel: 'silent',
        },
        logger,
        stop.signal,
      ),
      runScheduler(
        {
          apiservers,
          security: tls('scheduler'),
          leaderElection: election('kube-scheduler'),
          natsServers: [],
          schedulerName: 'default-scheduler',
          logLevel: 'silent',
        },
        logger,
        stop.signal,
      ),
    ];
    const master = {
      stop: async () => {
        stop.abort();
        await Promise.all(running);
      },
    };
    masters.push(master);
    return master;
  };
  const startAgent = async (name: string): Promise<void> => {
    const node: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {} };
    const stored: Stored<Node> = await client.of(kinds.nodes).create(node);
    const allocatable = { cpu: '4', memory: '8Gi', pods: '110' };
    const conditions = [{ type: 'Ready', status: 'True' as const, reason: 'KubeletReady', message: 'ready' }];
    await client
      .of(kinds.nodes)
      .updateStatus({ ...stored, status: { allocatable, capacity: allocatable, conditions } });
    startBeatSender(
      {
        node: name,
        bootId: 'boot',
        intervalMs: 250,
        natsServers: [],
        apiservers: [bed.api.grpcAddress],
        tls: tls(name),
        load: () => ({ cpuLoad: 0, memoryAvailableBytes: 0, pods: 0 }),
      },
      logger,
      stopBeats.signal,
    );
  };
  const bound = async (): Promise<number> =>
    (await client.of(kinds.pods).list({ namespace: 'default' })).items.filter(
      ({ spec }) => (spec.nodeName ?? '') !== '',
    ).length;
  const holder = async (name: string): Promise<string | undefined> =>
    (await client.of(kinds.leases).get({ namespace: 'kube-system', name })).spec.holderIdentity;

  beforeAll(async () => {
    bed = await startTestBed(anyStore);
    client = createApiClient({
      apiservers: [bed.api.grpcAddress],
      security: tls('admin'),
      fieldManager: 'test',
    });
    await startAgent('node-1');
    await startAgent('node-2');
  });
  afterAll(async () => {
    await Promise.all(masters.map((master) => master.stop()));
    stopBeats.abort();
    client.close();
    await bed.stop();
  });

  it('one leads with its own certificate; when it stops, another takes over at once and goes on', async () => {
    const first = startMaster();
    await client.of(kinds.deployments).create(deployment);
    await until(async () => (await bound()) === 2, 'two pods are bound');
    const before = await holder('kube-scheduler');
    startMaster();
    await first.stop();
    masters.splice(masters.indexOf(first), 1);
    await client.of(kinds.deployments).modify({ namespace: 'default', name: 'web' }, (now) => ({
      ...now,
      spec: { ...now.spec, replicas: 5 },
    }));
    await until(async () => (await bound()) === 5, 'five pods are bound');
    expect(await holder('kube-scheduler')).not.toBe(before);
  });

  it('nodes that beat over gRPC stay ready and untainted', async () => {
    await new Promise((resolve) => setTimeout(resolve, 4_000)); // two grace periods: nothing may happen in them
    const { items } = await client.of(kinds.nodes).list();
    expect(
      items.map(({ status }) => status?.conditions?.find(({ type }) => type === 'Ready')?.status),
    ).toEqual(['True', 'True']);
    expect(items.flatMap(({ spec }) => spec?.taints ?? [])).toEqual([]);
  });

  it('an idle leader writes nothing but its lease', async () => {
    const revision = async () =>
      Number((await client.of(kinds.leases).list({ namespace: 'kube-system' })).resourceVersion);
    const startMs = performance.now();
    const from = await revision();
    await new Promise((resolve) => setTimeout(resolve, 6_000)); // what is measured is a time without events
    const written = (await revision()) - from;
    const seconds = (performance.now() - startMs) / 1_000;
    // Two leases each 1.5 s, and the apiserver's own registration.
    expect(written).toBeLessThanOrEqual(2 * (seconds / 1.5 + 1) + 2);
  });

  it.skipIf(kubectlMissing !== null)('kubectl rollout: history, pause, resume, undo', async () => {
    const run = async (line: string): Promise<string> => {
      const { code, stdout, stderr } = await kubectl(bed.kubeconfig('admin'), line.split(' '));
      expect({ line, code, stderr }).toMatchObject({ line, code: 0 });
      return stdout;
    };
    const image = async (): Promise<string> =>
      run('get rs -o jsonpath={.items[?(@.spec.replicas>0)].spec.template.spec.containers[0].image}');
    await run('set image deployment/web web=v2');
    await until(async () => (await run('rollout history deployment/web')).includes('2 '), 'revision 2');
    await until(async () => (await image()).includes('v2'), 'v2 has pods');
    await run('rollout undo deployment/web');
    await until(async () => /(^|\n)3 /.test(await run('rollout history deployment/web')), 'revision 3');
    await run('rollout pause deployment/web');
    await until(
      async () =>
        (await run(
          'get deployment web -o jsonpath={.status.conditions[?(@.type=="Progressing")].reason}',
        )) === 'DeploymentPaused',
      'paused',
    );
    await run('rollout resume deployment/web');
    await until(
      async () =>
        (await run(
          'get deployment web -o jsonpath={.status.conditions[?(@.type=="Progressing")].reason}',
        )) !== 'DeploymentPaused',
      'resumed',
    );
  });
});
