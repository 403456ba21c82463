import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import type { ServerOptions, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Logger } from '@raftsman/telemetry';
import type { Faces } from './face-listener.js';
import { grpcJs } from './grpc.js';
import { http2Limits } from './http2/limits.js';
import { Http2GrpcServer } from './http2/server.js';
import { wireLimits } from './limits.js';
import { listenShared, type SharedPort } from './shared-port.js';
import { Health } from './standard/health.js';
import { reflectionServices } from './standard/reflection.js';
import { serverCredentials, type Security } from './tls.js';
import type { UpgradeFace } from './upgrade.js';

export interface GrpcService {
  /** The contract, relative to proto/, for reflection. */
  readonly protoFile: string;
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface GrpcServer {
  /** Listens; answers the port (useful with `:0`). Rejects if the address is taken. */
  listen(address: string, security: Security): Promise<number>;
  /** grpc.health.v1; `service` empty: the whole server. */
  setServing(service: string, serving: boolean): void;
  /** Stops taking calls, lets running ones end for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

export interface GrpcServerOptions extends ServerOptions {
  /** Default: true. */
  readonly reflection?: boolean;
  /** HTTP/1.1 on the same ports. */
  readonly http?: RequestListener;
  /** Connections that leave HTTP/1.1. Only with `http`. */
  readonly upgrade?: UpgradeFace;
  /** Of what becomes of its certificates. Only with `http`, without which they are read once. */
  readonly logger?: Logger;
}

/** A server with health and, unless switched off, reflection beside the given services. */
export function createGrpcServer(
  services: readonly GrpcService[],
  options: GrpcServerOptions = {},
): GrpcServer {
  const { reflection = true, http, upgrade, logger, ...serverOptions } = options;
  const server =
    http === undefined ? ownPorts(serverOptions) : sharedPorts(serverOptions, { http, upgrade }, logger);
  const health = new Health();
  const described = [...services, health.service];
  for (const { definition, implementation } of [
    ...described,
    ...(reflection ? reflectionServices(described) : []),
  ])
    server.addService(definition, implementation);
  return {
    listen: server.listen,
    setServing: (service, serving) => health.set(service, serving ? 'SERVING' : 'NOT_SERVING'),
    close: (graceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          server.cut();
          resolve();
        }, graceMs);
        void server.close().then(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

/** What serves: grpc-js' server on ports of its own, or ours on ports that HTTP/1.1 shares. */
interface Serving {
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void;
  readonly listen: GrpcServer['listen'];
  /** Takes no more calls; resolves when those that run have ended. */
  readonly close: () => Promise<void>;
  /** Ends what is left of them. */
  readonly cut: () => void;
}

function ownPorts(options: ServerOptions): Serving {
  const server = new (grpcJs().Server)({
    'grpc.max_receive_message_length': wireLimits.receiveMessageBytesMax,
    'grpc.keepalive_time_ms': wireLimits.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': wireLimits.keepaliveTimeoutMs,
    ...options,
  });
  return {
    addService: (definition, implementation) => server.addService(definition, implementation),
    listen: (address, security) =>
      new Promise((resolve, reject) => {
        server.bindAsync(address, serverCredentials(security), (error, port) => {
          if (error) reject(error);
          else resolve(port);
        });
      }),
    close: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    cut: () => server.forceShutdown(),
  };
}

/** Whose certificate was shown a handler finds on the socket, as on a port of gRPC's own. */
function sharedPorts(options: ServerOptions, faces: Faces, logger: Logger | undefined): Serving {
  const messageBytesMax = options['grpc.max_receive_message_length'] ?? wireLimits.receiveMessageBytesMax;
  const server = new Http2GrpcServer({
    messageBytesMax,
    keepaliveTimeMs: options['grpc.keepalive_time_ms'] ?? http2Limits.keepaliveTimeMs,
    keepaliveTimeoutMs: options['grpc.keepalive_timeout_ms'] ?? http2Limits.keepaliveTimeoutMs,
  });
  const ports: SharedPort[] = [];
  return {
    addService: (definition, implementation) => server.addService(definition, implementation),
    listen: async (address, security) => {
      const http2 = (connection: Socket): void => server.serve(connection);
      const port = await listenShared(address, security, { ...faces, http2 }, logger);
      ports.push(port);
      return port.port;
    },
    close: async () => void (await Promise.all([server.close(), ...ports.map((port) => port.close())])),
    cut: () => {
      server.cut();
      for (const port of ports) port.cut();
    },
  };
}
