import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import {
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { loadProto } from './load-proto.js';
import { wireLimits } from './limits.js';
import { listenShared, type SharedPort } from './shared-port.js';
import { serverCredentials, type ServerSecurity } from './tls.js';

export interface GrpcService {
  /** The contract, relative to proto/, for reflection. */
  readonly protoFile: string;
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface GrpcServer {
  /** Listens; answers the port (useful with `:0`). Rejects if the address is taken. */
  listen(address: string, security: ServerSecurity): Promise<number>;
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
}

/** A server with health and, unless switched off, reflection beside the given services. */
export function createGrpcServer(
  services: readonly GrpcService[],
  options: GrpcServerOptions = {},
): GrpcServer {
  const { reflection = true, http, ...serverOptions } = options;
  const server = new Server({
    'grpc.max_receive_message_length': wireLimits.receiveMessageBytesMax,
    'grpc.keepalive_time_ms': wireLimits.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': wireLimits.keepaliveTimeoutMs,
    ...serverOptions,
  });
  for (const service of services) server.addService(service.definition, service.implementation);
  const health = new HealthImplementation({ '': 'SERVING' });
  health.addToServer(server);
  if (reflection) {
    const described: PackageDefinition = Object.assign(
      {},
      ...services.map((service) => loadProto(service.protoFile)),
    );
    new ReflectionService(described).addToServer(server);
  }
  const listening = http === undefined ? ownPorts(server) : sharedPorts(server, http);
  return {
    listen: listening.listen,
    setServing: (service, serving) => health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING'),
    close: (graceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          server.forceShutdown();
          listening.cut();
          resolve();
        }, graceMs);
        const closed = listening.close();
        server.tryShutdown(() => {
          void closed.then(() => {
            clearTimeout(timer);
            resolve();
          });
        });
      }),
  };
}

interface Listening {
  readonly listen: GrpcServer['listen'];
  /** Beside the connections of gRPC, which the server closes itself. */
  readonly close: () => Promise<void>;
  readonly cut: () => void;
}

function ownPorts(server: Server): Listening {
  return {
    listen: (address, security) =>
      new Promise((resolve, reject) => {
        server.bindAsync(address, serverCredentials(security), (error, port) => {
          if (error) reject(error);
          else resolve(port);
        });
      }),
    close: () => Promise.resolve(),
    cut: () => undefined,
  };
}

/** TLS ends before gRPC sees the connection; whose certificate was shown it finds on the socket, as on its own ports. */
function sharedPorts(server: Server, http: RequestListener): Listening {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const ports: SharedPort[] = [];
  return {
    listen: async (address, security) => {
      const faces = { http, http2: (connection: Socket) => injector.injectConnection(connection) };
      const port = await listenShared(address, security, faces);
      ports.push(port);
      return port.port;
    },
    close: async () => void (await Promise.all(ports.map((port) => port.close()))),
    cut: () => {
      for (const port of ports) port.cut();
    },
  };
}
