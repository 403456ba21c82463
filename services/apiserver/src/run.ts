import { randomInt, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@raftsman/telemetry';
import { createGrpcServer, serviceDefinition, type GrpcServer } from '@raftsman/wire';
import { policyAuthorizer } from './auth/authorizer.js';
import { ensure } from './bootstrap/bootstrap.js';
import { createMasterLeases } from './bootstrap/master-lease.js';
import { bootstrapObjects } from './bootstrap/objects.js';
import { probeComponents } from './bootstrap/component-statuses.js';
import { keepRegistered, unregister, type Registration } from './bootstrap/register.js';
import { createCachers, type Cachers } from './cacher/cachers.js';
import type { ApiserverConfig } from './config.js';
import { apiService } from './grpc/api-service.js';
import { BeatHub } from './grpc/beat-hub.js';
import { heartbeatService } from './grpc/heartbeat-service.js';
import { limits } from './limits.js';
import { createServiceAllocator } from './registry/allocation/service-allocator.js';
import type { Core } from './registry/core.js';
import { createCore } from './registry/create-core.js';
import { createHandler } from './rest/handler.js';
import { createReadiness, type Readiness } from './rest/readiness.js';
import { createRestServer, type RestServer } from './rest/server.js';
import { startCompactor } from './storage/compactor.js';
import { createEtcdClient, type EtcdClient } from './storage/etcd-client.js';
import { createEventLeases } from './storage/event-leases.js';
import { createStorage, type Storage } from './storage/storage.js';

export interface RunningApiserver {
  readonly securePort: number;
  readonly grpcPort: number;
  /** The cluster's own objects are there; rejects if the apiserver is stopped before. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** Serves until `signal` aborts, then drains. Rejects if a port is taken or a file cannot be read. */
export async function run(config: ApiserverConfig, logger: Logger, signal: AbortSignal): Promise<void> {
  const running = await startApiserver(config, logger);
  const { securePort, grpcPort } = running;
  logger.info({ securePort, grpcPort, etcdServers: config.etcdServers }, 'apiserver serves');
  running.ready.then(
    () => logger.info('apiserver is ready'),
    () => undefined, // stopped before it was ready, which the log says below
  );
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await running.close();
  logger.info('apiserver stopped');
}

export async function startApiserver(config: ApiserverConfig, logger: Logger): Promise<RunningApiserver> {
  const stop = new AbortController();
  const client = createEtcdClient({ addresses: config.etcdServers, security: config.etcdSecurity, logger });
  const storage = createStorage(client);
  const cachers = createCachers(config.etcdPrefix, storage, logger);
  const core = buildCore(config, client, storage, cachers);
  const readiness = createReadiness(client, config.etcdPrefix);
  const beats = new BeatHub();
  const { rest, grpc } = createServers(config, core, readiness, beats, logger);
  const securePort = await rest.listen(config.bindAddress, config.securePort);
  const grpcPort = await grpc.listen(address(config.bindAddress, config.grpcPort), {
    certFile: config.tlsCertFile,
    keyFile: config.tlsKeyFile,
    caFile: config.clientCaFile,
  });
  startCompactor(client, logger, stop.signal);
  const registration: Registration = {
    core,
    leases: createMasterLeases(client, config.etcdPrefix),
    address: config.advertiseAddress,
    port: securePort,
    logger,
  };
  const ready = bootstrap(config, core, securePort, logger, stop.signal).then(() => {
    readiness.bootstrapped();
    void keepRegistered(registration, stop.signal);
  });
  ready.catch(() => undefined); // whoever waits for it hears of it
  const close = async (): Promise<void> => {
    readiness.stopping();
    grpc.setServing('', false);
    await pause(config.shutdownDelayMs);
    stop.abort();
    await unregister(registration).catch((error: unknown) =>
      logger.warn({ err: error }, 'still among the endpoints'),
    );
    cachers.close();
    beats.close();
    await Promise.all([rest.close(limits.drainMs), grpc.close(limits.drainMs)]);
    client.close();
  };
  return { securePort, grpcPort, ready, close };
}

const address = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

function buildCore(config: ApiserverConfig, client: EtcdClient, storage: Storage, cachers: Cachers): Core {
  const { etcdPrefix: keyPrefix } = config;
  const now = Date.now;
  const ca = readFileSync(config.clientCaFile);
  return createCore({
    storage,
    keyPrefix,
    cacher: cachers.of,
    authorizer: policyAuthorizer,
    allocator: createServiceAllocator({
      keyPrefix,
      ipRange: config.serviceIpRange,
      portRange: config.servicePortRange,
      keys: storage.keys,
      random: randomInt,
    }),
    eventLease: createEventLeases(client, now),
    tolerations: config.tolerations,
    componentStatuses: () =>
      probeComponents({ members: client.members, masters: config.masters, ca, storage, keyPrefix, now }),
    now,
    uuid: randomUUID,
    random: randomInt,
  });
}

function createServers(
  config: ApiserverConfig,
  core: Core,
  readiness: Readiness,
  beats: BeatHub,
  logger: Logger,
): { readonly rest: RestServer; readonly grpc: GrpcServer } {
  const { agentClient } = config;
  const handler = createHandler({
    core,
    authorizer: policyAuthorizer,
    checks: readiness.checks,
    logger,
    agentSecurity:
      agentClient === null
        ? null
        : {
            cert: readFileSync(agentClient.certFile, 'utf8'),
            key: readFileSync(agentClient.keyFile, 'utf8'),
            ca: readFileSync(agentClient.caFile, 'utf8'),
          },
    serverAddress: address(config.advertiseAddress, config.securePort),
    now: Date.now,
  });
  const tls = { certFile: config.tlsCertFile, keyFile: config.tlsKeyFile, clientCaFile: config.clientCaFile };
  const grpc = createGrpcServer([
    {
      protoFile: 'raftsman/v1/api.proto',
      definition: serviceDefinition('raftsman/v1/api.proto', 'raftsman.v1.Api'),
      implementation: { ...apiService(core, Date.now) },
    },
    {
      protoFile: 'raftsman/v1/heartbeat.proto',
      definition: serviceDefinition('raftsman/v1/heartbeat.proto', 'raftsman.v1.Heartbeats'),
      implementation: { ...heartbeatService(beats, policyAuthorizer, Date.now) },
    },
  ]);
  return { rest: createRestServer(tls, handler, logger), grpc };
}

const bootstrapPauseMs = 500;

/** Makes what is missing, for as long as it takes the store to answer. */
async function bootstrap(
  config: ApiserverConfig,
  core: Core,
  securePort: number,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      for (const object of bootstrapObjects(config.serviceIpRange, securePort)) await ensure(core, object);
      return;
    } catch (error) {
      signal.throwIfAborted();
      logger.warn({ err: error }, 'the store is not ready; tried again');
      await pause(bootstrapPauseMs, undefined, { signal });
    }
  }
}
