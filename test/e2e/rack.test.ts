import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingPackages } from '@raftsman/cli';
import { parseClusterConfig } from '@raftsman/config';
import { inMachine, rackPlan } from '@raftsman/rack';
import {
  createTestCluster,
  eventually,
  execute,
  type CommandResult,
  type TestCluster,
} from '../support/cluster.js';
import { kubectlMissing, kubectlPath } from '../support/kubectl.js';
import { leftovers } from './rack-leftovers.js';

/** A name and networks of its own: a user's rack goes on beside it. */
const rackYaml = `name: e2e-rack
kind: rack
runtime: cri
podCIDR: 10.211.0.0/16
serviceCIDR: 10.111.0.0/16
gateway: { address: 10.177.77.10, httpsPort: 6443, grpcPort: 7443 }
masters:
  - { name: master-1, address: 10.177.77.11 }
  - { name: master-2, address: 10.177.77.12 }
  - { name: master-3, address: 10.177.77.13 }
workers:
  - { name: worker-1, address: 10.177.77.21 }
  - { name: worker-2, address: 10.177.77.22 }
  - { name: worker-3, address: 10.177.77.23 }
`;
const config = parseClusterConfig(rackYaml, 'rack.test.ts');
const plan = rackPlan(config);
const workers = config.workers.map(({ name }) => name);

/** A web server on two workers. It takes SIGTERM for an end, which a shell as a container's first process would not. */
const web = (replicas: number): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - { topologyKey: kubernetes.io/hostname, labelSelector: { matchLabels: { app: web } } }
      containers:
        - name: web
          image: busybox
          imagePullPolicy: IfNotPresent
          command: [sh, -c, 'mkdir /www && echo "$NODE" > /www/index.html && echo serving && exec httpd -f -p 8080 -h /www']
          env: [{ name: NODE, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }]
          readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
`;

/** Asks each address until it answers, the last one twelve times, and ends. */
const client = (name: string, node: string, addresses: readonly string[]): string => `apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  nodeName: ${node}
  restartPolicy: Never
  containers:
    - name: client
      image: busybox
      imagePullPolicy: IfNotPresent
      command:
        - sh
        - -c
        - |
          for url in ${addresses.map((address) => `http://${address}/`).join(' ')}; do
            until timeout 1 wget -q -O - $url; do sleep 0.1; done
          done
          for i in 1 2 3 4 5 6 7 8 9 10 11 12; do timeout 10 wget -q -O - http://${addresses.at(-1)}/ || echo failed; done
`;

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string; readonly podCIDR?: string };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

const missing = process.getuid?.() === 0 ? missingPackages(config) : [];
const skipped =
  process.getuid?.() !== 0
    ? 'a rack needs root'
    : missing.length > 0
      ? `missing Debian packages: ${missing.join(', ')}`
      : kubectlMissing;
if (skipped !== null) console.warn(`SKIPPED: the rack's tests (${skipped})`);

/** Seven machines that are network namespaces, real containers on three of them, and their cables pulled. Traffic stays inside. */
describe.skipIf(skipped !== null)('a rack', () => {
  let cluster: TestCluster;

  const run = (...words: readonly string[]): void => {
    const { code, output } = cluster.raftsman(...words);
    if (code !== 0) throw new Error(`raftsman ${words.join(' ')}: ${output}`);
  };
  const fault = (...words: readonly string[]): void => run('fault', ...words);
  const kubectl = (words: readonly string[], input?: string): Promise<CommandResult> =>
    execute(kubectlPath(), [`--kubeconfig=${cluster.kubeconfig}`, ...words], input);
  const must = async (words: readonly string[], input?: string): Promise<string> => {
    const { code, output } = await kubectl(words, input);
    if (code !== 0) throw new Error(`kubectl ${words.join(' ')}: ${output}`);
    return output;
  };
  const readyNodes = async (): Promise<readonly string[]> =>
    (await must(['get', 'nodes', '--no-headers']))
      .split('\n')
      .filter((line) => / Ready /.test(line))
      .map((line) => line.split(' ')[0]!);
  const pods = async (): Promise<readonly Pod[]> =>
    (JSON.parse(await must(['get', 'pods', '-l', 'app=web', '-o', 'json'])) as { items: readonly Pod[] })
      .items;
  const readyPods = async (): Promise<readonly Pod[]> =>
    (await pods()).filter(
      ({ metadata, status }) =>
        metadata.deletionTimestamp === undefined &&
        status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'),
    );
  const clusterIP = async (): Promise<string> =>
    (await must(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}'])).trim();
  const on = (machine: string, ...words: readonly string[]): Promise<CommandResult> => {
    const [program, ...prefix] = inMachine(plan.machines.find(({ name }) => name === machine)!);
    return execute(program!, [...prefix, ...words]);
  };
  /** What the web server at the address says to the machine. */
  const ask = async (machine: string, address: string): Promise<string> => {
    const url = `http://${address}/`;
    const { code, output } = await on(machine, 'timeout', '2', 'busybox', 'wget', '-q', '-O', '-', url);
    if (code !== 0) throw new Error(`${machine} → ${address}: ${output}`);
    return output.trim();
  };
  const runningContainers = async (worker: string): Promise<string> => {
    const socket = `/run/raftsman/${config.name}/${worker}/containerd.sock`;
    return (await execute('ctr', ['-a', socket, '-n', 'k8s.io', 'tasks', 'list', '-q'])).output;
  };
  const since = (startMs: number): number => Math.round(performance.now() - startMs);

  beforeAll(() => {
    cluster = createTestCluster(9, rackYaml);
    // What a run that was killed has left; it is refused where processes of it run, which may be those of a run beside this one.
    cluster.raftsman('clean');
    expect(leftovers(plan, '')).toEqual([]);
    const startMs = performance.now();
    cluster.up();
    console.log(`rack: three masters and three workers Ready after ${since(startMs)} ms`);
  }, 180_000);
  afterAll(() => cluster?.destroy(), 60_000);

  it('comes up with three nodes Ready and every master healthy', async () => {
    await eventually(async () => expect(await readyNodes()).toEqual(workers));
    await eventually(async () =>
      expect(await must(['get', 'componentstatuses', '--no-headers'])).not.toContain('Unhealthy'),
    );
  });

  it(
    'starts again what was killed, puts back a pulled cable and changes nothing else',
    { timeout: 120_000 },
    async () => {
      const pids = (): readonly string[] =>
        cluster.members().map((member) => `${member}=${cluster.pid(member)}`);
      const before = pids();
      fault('kill', 'worker-1');
      fault('cut', 'worker-2');
      cluster.up();
      await eventually(async () => expect(await readyNodes()).toEqual(workers));
      const kept = pids().filter((member) => before.includes(member));
      expect(before.filter((member) => !kept.includes(member))).toEqual([
        expect.stringMatching(/^worker-1=/),
      ]);
    },
  );

  it('runs containers whose addresses and Service reach across machines', { timeout: 180_000 }, async () => {
    const startMs = performance.now();
    await must(['apply', '-f', '-'], web(2));
    await must(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    console.log(`rack: two containers Ready ${since(startMs)} ms after kubectl apply began`);
    const [one, two] = await eventually(async () => {
      const found = await readyPods();
      expect(found).toHaveLength(2);
      return found;
    });
    const blocks = await must([
      'get',
      'nodes',
      '-o',
      'jsonpath={range .items[*]}{.metadata.name}={.spec.podCIDR} {end}',
    ]);
    for (const { spec, status } of [one!, two!])
      expect(blocks).toContain(`${spec.nodeName}=${status.podIP!.replace(/\.\d+$/, '.0/24')} `);
    expect(one!.spec.nodeName).not.toBe(two!.spec.nodeName);
    expect(await must(['logs', one!.metadata.name])).toBe('serving\n');

    const service = await clusterIP();
    for (const worker of workers) {
      for (const { spec, status } of [one!, two!])
        expect(await eventually(() => ask(worker, `${status.podIP}:8080`))).toBe(spec.nodeName);
      await eventually(async () => expect(workers).toContain(await ask(worker, service)));
    }
    await must(
      ['apply', '-f', '-'],
      client('client', one!.spec.nodeName!, [`${two!.status.podIP}:8080`, service]),
    );
    const answers = await eventually(async () => {
      expect(await must(['get', 'pod', 'client', '-o', 'jsonpath={.status.phase}'])).toBe('Succeeded');
      return (await must(['logs', 'client'])).trim().split('\n');
    });
    expect(answers[0]).toBe(two!.spec.nodeName);
    expect(new Set(answers)).toEqual(new Set([one!.spec.nodeName, two!.spec.nodeName]));
  });

  it(
    'moves the pods of a worker whose cable is pulled, and takes it back',
    { timeout: 240_000 },
    async () => {
      const victim = (await readyPods())[0]!.spec.nodeName!;
      const service = await clusterIP();
      fault('cut', victim);
      const cutMs = performance.now();
      await eventually(async () => expect(await readyNodes()).not.toContain(victim));
      const notReadyMs = since(cutMs);
      await eventually(async () => {
        const nodes = (await readyPods()).map(({ spec }) => spec.nodeName);
        expect(nodes).toHaveLength(2);
        expect(nodes).not.toContain(victim);
      });
      console.log(
        `rack: ${victim} cut off: NotReady after ${notReadyMs} ms, pods Ready elsewhere after ${since(cutMs)} ms`,
      );
      const living = workers.find((name) => name !== victim)!;
      await eventually(async () => {
        const answers = await Promise.all(Array.from({ length: 8 }, () => ask(living, service)));
        expect(answers).not.toContain(victim);
      });
      // Cut off, it cannot know: what runs there runs on.
      expect(await runningContainers(victim)).not.toBe('');

      fault('mend', victim);
      const mendMs = performance.now();
      await eventually(async () => expect(await readyNodes()).toContain(victim));
      const readyMs = since(mendMs);
      await eventually(async () => expect(await runningContainers(victim)).toBe(''));
      await eventually(async () => expect(await pods()).toHaveLength(2));
      console.log(
        `rack: ${victim} mended: Ready after ${readyMs} ms, its old containers gone after ${since(mendMs)} ms`,
      );
      await must(['delete', 'pod', 'client', '--ignore-not-found', '--grace-period=1']);
    },
  );

  it(
    'goes on writing when the leading master is cut off, and takes it back',
    { timeout: 180_000 },
    async () => {
      const leader = await eventually(() => leadingMaster(cluster));
      fault('cut', leader);
      const cutMs = performance.now();
      await eventually(() =>
        must(['annotate', 'service', 'web', '--overwrite', '--request-timeout=3s', `cut=${cutMs}`]),
      );
      console.log(
        `rack: leading ${leader} cut off: a write was accepted after ${since(cutMs)} ms (kubectl's start included)`,
      );
      await eventually(async () => expect(await readyNodes()).toEqual(workers));
      await eventually(() => must(['scale', 'deployment', 'web', '--replicas=3']));
      await eventually(async () => expect(await readyPods()).toHaveLength(3));
      fault('mend', leader);
      const mendMs = performance.now();
      await eventually(async () =>
        expect(await must(['get', 'componentstatuses', '--no-headers'])).not.toContain('Unhealthy'),
      );
      console.log(`rack: ${leader} mended: every component healthy after ${since(mendMs)} ms`);
    },
  );

  it('keeps its data over down and up, and leaves nothing else', { timeout: 180_000 }, async () => {
    const before = (await readyPods()).map(({ metadata }) => metadata.uid).sort();
    run('down');
    expect(leftovers(plan, cluster.stateDir)).toEqual([]);
    const startMs = performance.now();
    cluster.up();
    await eventually(async () => {
      expect((await readyPods()).map(({ metadata }) => metadata.uid).sort()).toEqual(before);
      const restarts = await must([
        'get',
        'pods',
        '-l',
        'app=web',
        '-o',
        'jsonpath={.items[*].status.containerStatuses[0].restartCount}',
      ]);
      expect(restarts).toBe('1 1 1');
    });
    console.log(`rack: up again with its pods after ${since(startMs)} ms`);
  });

  it('is removed without a trace even after a crash', { timeout: 120_000 }, () => {
    for (const member of cluster.members()) cluster.kill(member);
    expect(leftovers(plan, cluster.stateDir)).not.toEqual([]);
    run('clean');
    expect(leftovers(plan, cluster.stateDir)).toEqual([]);
    expect(existsSync(cluster.stateDir)).toBe(false);
  });
});

/** Whose store leads, as the stores say. */
async function leadingMaster(cluster: TestCluster): Promise<string> {
  const read = (file: string): Buffer => readFileSync(join(cluster.stateDir, 'pki', file));
  for (const { name, address, storeClientPort } of config.masters) {
    const etcd = new Etcd3({
      hosts: `https://${address}:${storeClientPort}`,
      credentials: {
        rootCertificate: read('ca.crt'),
        privateKey: read('etcd-client.key'),
        certChain: read('etcd-client.crt'),
      },
    });
    try {
      const { leader, header } = await etcd.maintenance.status();
      if (leader === header.member_id) return name;
    } finally {
      etcd.close();
    }
  }
  throw new Error('no store leads');
}
