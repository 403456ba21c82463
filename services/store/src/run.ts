import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { MetricsPage, type Logger } from '@raftsman/telemetry';
import type { CertificateFiles, Security } from '@raftsman/wire';
import { createClientPort, type ClientPort } from './client-port.js';
import { checkFirstStart, type StoreConfig } from './config.js';
import { ConfigError, ListenError, RemovedError } from './errors.js';
import { createEtcdServices, createStateMachine } from './etcd/index.js';
import { storeLimits } from './limits.js';
import { memoryBounds, type MemoryBounds, oldSpaceMebibytesFor } from './memory.js';
import { addMeasurements, addTraffic } from './metrics/replica.js';
import { startReplica, type RunningReplica } from './replica/index.js';
import type { PeerTarget } from './replica/peers/client.js';
import { parseUrl, targetOf } from './urls.js';

/**
 * Runs one member until `signal` aborts, then hands leadership over and drains. Rejects with ConfigError, JournalError or ListenError at
 * start; with anything else when the member cannot go on (a failed write, a broken invariant), and the process must end.
 */
export async function run(config: StoreConfig, logger: Logger, signal: AbortSignal): Promise<void> {
  await checkFiles(config);
  const stateMachine = createStateMachine();
  const running = await startReplica({ ...replicaOptions(config), stateMachine, logger, signal }).catch(
    (error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    },
  );
  if (running === null) return;
  const { replica } = running;
  const etcdConfig = faceConfig(config, boundMemory(config, logger));
  const face = createEtcdServices({ stateMachine, replica, config: etcdConfig, logger });
  const { requestBytesMax, quotaBackendBytes } = etcdConfig;
  const { keepaliveIntervalMs, keepaliveTimeoutMs } = config;
  const metrics = new MetricsPage();
  addMeasurements(metrics, () => running.measurements());
  addTraffic(
    metrics,
    () => replica.status().id,
    () => running.traffic(),
  );
  const port = createClientPort({
    face,
    replica,
    stateMachine,
    metrics,
    requestBytesMax,
    quotaBackendBytes,
    keepaliveIntervalMs,
    keepaliveTimeoutMs,
    logger,
  });
  const stopWatching = replica.onStatusChange(({ role, leader, term }) =>
    logger.info({ role, term, leader: leader?.toString(16) ?? null }, 'status'),
  );
  try {
    await port.listen(config.clientListeners);
    await port.listenForMetrics(config.metricsListeners);
    const { id, clusterId } = replica.status();
    const ids = { member: id.toString(16), cluster: clusterId.toString(16) };
    logger.info(
      { ...ids, name: config.name, clientUrls: config.advertiseClientUrls, quotaBackendBytes },
      'serving',
    );
    await Promise.race([aborted(signal), running.failed]);
  } catch (error) {
    // Whoever asked for the removal may be waiting for the answer.
    if (error instanceof RemovedError) await port.close(storeLimits.drainMs);
    face.close();
    if (error instanceof ListenError || error instanceof RemovedError) await running.stop();
    throw error;
  } finally {
    stopWatching();
  }
  await drain(port, face, running, logger);
}

function replicaOptions(config: StoreConfig) {
  return {
    name: config.name,
    initialMembers: config.initialCluster,
    initialState: config.initialClusterState,
    checkFirstStart: () => checkFirstStart(config),
    clusterToken: config.initialClusterToken,
    clientUrls: config.advertiseClientUrls,
    peerUrls: config.advertisePeerUrls,
    targetsOf: (peerUrls: readonly string[]) => peerUrls.flatMap((url) => peerTarget(url, config.peerTls)),
    dataDirectory: join(config.dataDirectory, 'member'),
    listeners: config.peerListeners,
    heartbeatIntervalMs: config.heartbeatIntervalMs,
    electionTimeoutMs: config.electionTimeoutMs,
    readLease: config.readLease,
    snapshotCount: config.snapshotCount,
    snapshotCatchUpEntries: config.snapshotCatchUpEntries,
  };
}

/** None: it is no URL, or https and this member has no certificate for it. */
function peerTarget(peerUrl: string, tls: CertificateFiles | null): readonly PeerTarget[] {
  try {
    const url = parseUrl('a peer URL', peerUrl);
    const security = url.scheme === 'http' ? 'insecure' : tls;
    return security === null ? [] : [{ target: targetOf(url), security }];
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}

/** A quota that this process cannot hold is cut: more would be its end. */
function boundMemory({ quotaBackendBytes: wanted }: StoreConfig, logger: Logger): MemoryBounds {
  const { heap_size_limit: heapLimitBytes } = getHeapStatistics();
  const bounds = memoryBounds(wanted, heapLimitBytes);
  if (wanted !== null && wanted > bounds.quotaBytes)
    logger.warn(
      { wanted, quotaBackendBytes: bounds.quotaBytes, heapLimitBytes },
      `--quota-backend-bytes is more than this process can hold, and is cut; NODE_OPTIONS=--max-old-space-size=${oldSpaceMebibytesFor(wanted)} would do, if the machine has the memory`,
    );
  return bounds;
}

function faceConfig(config: StoreConfig, { quotaBytes, heldBytesMax }: MemoryBounds) {
  const { requestBytesMax, txnOpsMax, watchProgressNotifyIntervalMs, electionTimeoutMs } = config;
  return {
    requestBytesMax,
    txnOpsMax,
    quotaBackendBytes: quotaBytes,
    heldBytesMax,
    watchProgressNotifyIntervalMs,
    electionTimeoutMs,
    clientCertAuth: config.clientCertAuth,
    autoCompaction: config.autoCompaction,
    corruptCheckTimeMs: config.corruptCheckTimeMs,
    compactHashCheck: config.compactHashCheck,
  };
}

/** What would otherwise fail later, and less clearly. */
async function checkFiles(config: StoreConfig): Promise<void> {
  const securities: readonly Security[] = [
    ...config.clientListeners.map(({ security }) => security),
    ...config.metricsListeners.map(({ security }) => security),
    ...config.peerListeners.map(({ security }) => security),
    config.peerTls ?? 'insecure',
  ];
  for (const security of securities) {
    if (security === 'insecure') continue;
    const { certFile, keyFile, caFile } = security;
    for (const file of caFile === undefined ? [certFile, keyFile] : [certFile, keyFile, caFile])
      await readFile(file).catch((error: Error) => {
        throw new ConfigError(`cannot read ${file}: ${error.message}`);
      });
  }
  if (config.initialClusterState === 'existing' && config.initialCluster.length === 1)
    await access(join(config.dataDirectory, 'member')).catch(() => {
      throw new ConfigError(
        `--initial-cluster-state=existing, but there is no data in ${config.dataDirectory} and no other member to rebuild it from`,
      );
    });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Watches end first, so that their clients go to another member; calls that run may finish; leadership is handed over on the way. */
async function drain(
  port: ClientPort,
  face: { close(): void },
  running: RunningReplica,
  logger: Logger,
): Promise<void> {
  logger.info('stopping');
  face.close();
  const closing = port.close(storeLimits.drainMs);
  await running.handOver();
  await closing;
  await running.stop();
  logger.info('stopped');
}
