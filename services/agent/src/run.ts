import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node } from '@raftsman/api';
import {
  createApiClient,
  createEventRecorder,
  createInformer,
  kinds,
  type ApiClient,
  type Informer,
} from '@raftsman/client';
import { startBeatSender } from '@raftsman/heartbeat';
import type { Logger } from '@raftsman/telemetry';
import { freemem, loadavg } from 'node:os';
import { eventSink, objectReader, podSink, podSource } from './api-sources.js';
import type { AgentConfig } from './config.js';
import { startLogRotator } from './logs/rotator.js';
import { readMachine, type Machine } from './node/machine.js';
import { kubeletVersion } from './node/node-object.js';
import { NodeReconciler } from './node/node-reconciler.js';
import { startNetwork } from './node/network.js';
import { PodManager } from './pods/pod-manager.js';
import { StatusWriter } from './pods/status-writer.js';
import { CriRuntime } from './runtime/cri/cri-runtime.js';
import { ProcessRuntime } from './runtime/process/process-runtime.js';
import type { Runtime } from './runtime/runtime.js';
import { createAgentServer } from './server/server.js';

/** Runs the node's pods until `signal` aborts. Rejects if the runtime does not answer or the port is taken, or for a bug. */
export async function run(config: AgentConfig, logger: Logger, signal: AbortSignal): Promise<void> {
  await mkdir(config.rootDir, { recursive: true, mode: 0o750 });
  const machine = await readMachine(config.rootDir);
  const runtime = await openRuntime(config, logger);
  const client = createApiClient({
    apiservers: config.api.apiservers,
    security: config.api,
    fieldManager: 'kubelet',
  });
  const stop = new AbortController();
  const agent = assemble(config, machine, runtime, client, logger, stop.signal);
  const server = createAgentServer({
    certFile: config.tlsCertFile,
    keyFile: config.tlsPrivateKeyFile,
    clientCaFile: config.clientCaFile,
    pods: agent.pods,
    runtime,
    logger,
  });
  try {
    const port = await server.listen(config.nodeIp, config.port);
    const running = agent.start(port);
    logger.info({ node: config.nodeName, port, runtime: runtime.name }, 'the agent runs');
    await Promise.race([aborted(signal), running]);
  } finally {
    stop.abort();
    await server.close();
    await agent.pods.close();
    await runtime.close();
    client.close();
  }
}

async function openRuntime(config: AgentConfig, logger: Logger): Promise<Runtime> {
  if (config.runtimeEndpoint !== 'process')
    return CriRuntime.connect({ endpoint: config.runtimeEndpoint, logger });
  return ProcessRuntime.open({ rootDir: join(config.rootDir, 'process'), version: kubeletVersion, logger });
}

interface Agent {
  readonly pods: PodManager;
  /** Rejects only for a bug. */
  start(port: number): Promise<void>;
}

function assemble(
  config: AgentConfig,
  machine: Machine,
  runtime: Runtime,
  client: ApiClient,
  logger: Logger,
  signal: AbortSignal,
): Agent {
  const recorder = createEventRecorder({ client, component: 'kubelet', logger });
  const sink = podSink(client);
  const pods = new PodManager({
    runtime,
    sink,
    statuses: new StatusWriter(sink, logger),
    objects: objectReader(client),
    events: eventSink(recorder),
    logger,
    rootDir: config.rootDir,
    nodeName: config.nodeName,
    hostIp: config.nodeIp,
    allocatable: { cpu: machine.cpus, memory: machine.memoryBytes, 'ephemeral-storage': machine.diskBytes },
    now: Date.now,
  });
  const podInformer = createInformer({
    client: client.of(kinds.pods),
    fieldSelector: `spec.nodeName=${config.nodeName}`,
    logger,
  });
  const nodeInformer = createInformer({
    client: client.of(kinds.nodes),
    ...(config.nodeRoutes ? {} : { fieldSelector: `metadata.name=${config.nodeName}` }),
    logger,
  });
  podSource(podInformer, signal).subscribe(pods);
  if (runtime.usesImages) startLogRotator(runtime, logger, signal);
  return {
    pods,
    start: async (port) => {
      const reconciler = nodeReconciler(config, machine, port, runtime, client, nodeInformer, logger);
      const network = startNetwork(
        { config, runtime, nodes: nodeInformer, logger, changed: () => reconciler.wake() },
        signal,
      );
      startBeats(config, machine, pods, logger, signal);
      const loops = [recorder.run(signal), podInformer.run(signal), nodeInformer.run(signal), network];
      await Promise.all([...loops, nodeInformer.waitForSync(signal).then(() => reconciler.run(signal))]);
    },
  };
}

function nodeReconciler(
  config: AgentConfig,
  machine: Machine,
  port: number,
  runtime: Runtime,
  client: ApiClient,
  nodes: Informer<Node>,
  logger: Logger,
): NodeReconciler {
  const { nodeName: name, nodeIp: ip, maxPods, nodeLabels: labels, rootDir } = config;
  const reconciler = new NodeReconciler({
    nodes: client.of(kinds.nodes),
    cached: () => nodes.get(name),
    runtime,
    facts: { name, ip, port, maxPods, labels, machine },
    taints: config.registerWithTaints,
    rootDir,
    logger,
  });
  nodes.onChange(({ before, after }) => {
    if ((after ?? before)?.metadata.name === name) reconciler.wake();
  });
  return reconciler;
}

function startBeats(
  config: AgentConfig,
  machine: Machine,
  pods: PodManager,
  logger: Logger,
  signal: AbortSignal,
): void {
  startBeatSender(
    {
      node: config.nodeName,
      bootId: `${machine.bootId}.${Date.now()}`,
      intervalMs: config.heartbeatIntervalMs,
      natsServers: config.natsServers,
      apiservers: config.api.apiservers,
      tls: config.api,
      load: () => ({ cpuLoad: loadavg()[0]!, memoryAvailableBytes: freemem(), pods: pods.size }),
    },
    logger,
    signal,
  );
}

const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
