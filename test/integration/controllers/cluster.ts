import type { Node, Pod } from '@raftsman/api';
import {
  createApiClient,
  createInformer,
  isConflict,
  isNotFound,
  kinds,
  systemClock,
  type ApiClient,
  type Stored,
} from '@raftsman/client';
import { parseControllers, runControllers, type ControllerManagerConfig } from '@raftsman/controller-manager';
import { createFailureDetector } from '@raftsman/heartbeat';
import { createScheduler } from '@raftsman/scheduler';
import { createLogger } from '@raftsman/telemetry';
import type { ClientSecurity } from '@raftsman/wire';

/** Who talks to the apiserver as whom. */
export interface Access {
  readonly apiservers: readonly string[];
  readonly as: (user: 'admin' | 'controllers' | 'scheduler') => ClientSecurity;
}

/** Controllers and scheduler as they are, on agents that only pretend to run pods. */
export interface TestCluster {
  readonly client: ApiClient;
  /** Its beats stop and its pods do what they like. */
  silence(node: string): void;
  revive(node: string): void;
  stop(): Promise<void>;
}

export const gracePeriodMs = 600;
const beatMs = 100;

const logger = createLogger({
  component: 'test',
  level: process.env['RAFTSMAN_TEST_LOG'] === '1' ? 'debug' : 'silent',
});

const config: ControllerManagerConfig = {
  apiservers: [],
  security: 'insecure',
  leaderElection: {
    leaderElect: false,
    leaseNamespace: 'kube-system',
    leaseName: 'kube-controller-manager',
    candidate: 'test',
    leaseDurationMs: 4_000,
    renewDeadlineMs: 3_000,
    retryPeriodMs: 1_500,
  },
  controllers: parseControllers('*'),
  natsServers: [],
  nodeMonitorGracePeriodMs: gracePeriodMs,
  defaultNotReadyTolerationSeconds: 60,
  defaultUnreachableTolerationSeconds: 0,
  clusterCidr: { base: 10 * 2 ** 24 + 244 * 2 ** 16, prefixLength: 16 },
  nodeCidrMaskSize: 24,
  terminatedPodGcThreshold: 100,
  rootCa: '-----BEGIN CERTIFICATE-----',
  logLevel: 'silent',
};

export async function startCluster(access: Access, nodes: readonly string[]): Promise<TestCluster> {
  const stop = new AbortController();
  const { signal } = stop;
  const clients: ApiClient[] = [];
  const connect = (user: 'admin' | 'controllers' | 'scheduler'): ApiClient => {
    const client = createApiClient({
      apiservers: access.apiservers,
      security: access.as(user),
      fieldManager: user,
    });
    clients.push(client);
    return client.scoped(signal);
  };
  const admin = createApiClient({
    apiservers: access.apiservers,
    security: access.as('admin'),
    fieldManager: 'test',
  });
  clients.push(admin);
  for (const name of nodes)
    await admin
      .of(kinds.nodes)
      .create(nodeObject(name))
      .then((node) => setReady(admin, node));

  const silent = new Set<string>();
  const listen = (term: AbortSignal) => {
    const detector = createFailureDetector({ gracePeriodMs, stallMs: 1_500 });
    let sequence = 0;
    const beat = (): void => {
      sequence += 1;
      for (const node of nodes) {
        if (!silent.has(node))
          detector.observe({ node, bootId: 'boot', sequence }, 'nats', systemClock.monotonicMs());
      }
    };
    const timer = setInterval(beat, beatMs);
    term.addEventListener('abort', () => clearInterval(timer), { once: true });
    return { detector, natsLink: () => 'up' as const };
  };
  const running = [
    runControllers(connect('controllers'), config, listen, logger, signal),
    createScheduler({
      client: connect('scheduler'),
      schedulerName: 'default-scheduler',
      logger,
      clock: systemClock,
      random: Math.random,
    }).run(signal),
    pretendAgents(connect('admin'), silent, signal),
  ];
  return {
    client: admin,
    silence: (node) => silent.add(node),
    revive: (node) => silent.delete(node),
    stop: async () => {
      stop.abort();
      await Promise.all(running);
      for (const client of clients) client.close();
    },
  };
}

const nodeObject = (name: string): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name } },
  spec: {},
});

const resources = { cpu: '4', memory: '8Gi', pods: '110' };

const setReady = (client: ApiClient, node: Stored<Node>): Promise<Stored<Node>> =>
  client.of(kinds.nodes).updateStatus({
    ...node,
    status: {
      allocatable: resources,
      capacity: resources,
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready' }],
    },
  });

/** Every pod that is bound to a node that is heard becomes Ready at once, and ends at once when it is deleted. */
async function pretendAgents(
  client: ApiClient,
  silent: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  const pods = client.of(kinds.pods);
  const informer = createInformer({ client: pods, logger });
  let address = 0;
  const run = async (pod: Stored<Pod>): Promise<void> => {
    const { namespace, name, uid, deletionTimestamp } = pod.metadata;
    try {
      if (deletionTimestamp !== undefined)
        await pods.delete({ namespace, name }, { uid, gracePeriodSeconds: 0 });
      else if (pod.status?.phase !== 'Running')
        await pods.updateStatus({ ...pod, status: runningStatus(pod) });
    } catch (error) {
      if (!signal.aborted && !isConflict(error) && !isNotFound(error)) throw error;
    }
  };
  const runningStatus = (pod: Stored<Pod>): NonNullable<Pod['status']> => {
    address += 1;
    const podIP = `10.1.${Math.floor(address / 250)}.${(address % 250) + 1}`;
    const broken = pod.spec.containers[0]?.image === 'broken';
    const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
    return {
      ...pod.status,
      phase: 'Running',
      podIP,
      podIPs: [{ ip: podIP }],
      conditions: [
        ...(pod.status?.conditions ?? []).filter(({ type }) => type !== 'Ready'),
        { type: 'Ready', status: broken ? 'False' : 'True', lastTransitionTime },
      ],
    };
  };
  informer.onChange(({ after }) => {
    const node = after?.spec.nodeName ?? '';
    if (after !== undefined && node !== '' && !silent.has(node)) void run(after);
  });
  await informer.run(signal);
}
