import { processMetrics, type Logger, type MetricsPage } from '@raftsman/telemetry';
import { createGrpcServer, InProcessServices, listenShared, type SharedPort } from '@raftsman/wire';
import type { Replica } from './contract.js';
import { etcdVersion, type EtcdFace, type EtcdStateMachine } from './etcd/index.js';
import { createHttpFace } from './http/index.js';
import { storeLimits } from './limits.js';
import { CallCounts } from './metrics/calls.js';
import { addReplicaMetrics } from './metrics/replica.js';
import { addStoreMetrics } from './metrics/store.js';
import { ListenError } from './errors.js';
import { listenOnAll, type ListenAddress } from './listen.js';

export interface ClientPortOptions {
  readonly face: EtcdFace;
  readonly replica: Replica;
  readonly stateMachine: EtcdStateMachine;
  /** Beside those of this process and this port. */
  readonly metrics: MetricsPage;
  readonly requestBytesMax: number;
  readonly quotaBackendBytes: number;
  /** See StoreConfig. undefined: the server's own. */
  readonly keepaliveIntervalMs?: number;
  readonly keepaliveTimeoutMs?: number;
  readonly logger: Logger;
}

/** Everything that clients are served: gRPC (with health and reflection) and HTTP, on the same ports; and the ports for metrics alone. */
export interface ClientPort {
  /** Answers the ports. Rejects with ListenError. */
  listen(addresses: readonly ListenAddress[]): Promise<readonly number[]>;
  listenForMetrics(addresses: readonly ListenAddress[]): Promise<readonly number[]>;
  /** Takes no more calls, lets those that run end for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

export function createClientPort(options: ClientPortOptions): ClientPort {
  const { face, replica, stateMachine, requestBytesMax, quotaBackendBytes, metrics, logger } = options;
  const calls = new CallCounts();
  const services = calls.count(face.services);
  const http = createHttpFace({
    services: new InProcessServices(services),
    replica,
    alarms: () => stateMachine.alarms.raised().map(({ alarm }) => alarm),
    metrics,
    version: etcdVersion,
    requestBytesMax,
    logger,
  });
  const server = createGrpcServer(services, {
    'grpc.max_receive_message_length': requestBytesMax + storeLimits.requestOverheadBytes,
    'grpc.enable_channelz': 0,
    ...keepalive(options),
    http: http.client,
    logger,
  });
  metrics.add(...processMetrics(), ...calls.metrics(), ...http.health.metrics());
  addStoreMetrics(metrics, stateMachine, calls, { quotaBackendBytes, version: etcdVersion });
  const stopCounting = addReplicaMetrics(metrics, replica, etcdVersion);
  // Whoever asks gRPC's health service should not be sent here while nothing can be answered.
  const stopWatching = replica.onStatusChange(({ leader }) => server.setServing('', leader !== null));
  const metricsPorts: SharedPort[] = [];
  return {
    listen: (addresses) => listenOnAll(server, addresses),
    listenForMetrics: async (addresses) => {
      for (const { address, security } of addresses) {
        const listening = listenShared(address, security, { http: http.metrics }, logger);
        const port = await listening.catch((error: unknown) => {
          throw new ListenError(address, error);
        });
        metricsPorts.push(port);
      }
      return metricsPorts.map(({ port }) => port);
    },
    close: async (graceMs) => {
      stopWatching();
      stopCounting();
      for (const port of metricsPorts) {
        void port.close();
        port.cut();
      }
      await server.close(graceMs);
    },
  };
}

const keepalive = ({ keepaliveIntervalMs, keepaliveTimeoutMs }: ClientPortOptions): object => ({
  ...(keepaliveIntervalMs === undefined ? {} : { 'grpc.keepalive_time_ms': keepaliveIntervalMs }),
  ...(keepaliveTimeoutMs === undefined ? {} : { 'grpc.keepalive_timeout_ms': keepaliveTimeoutMs }),
});
