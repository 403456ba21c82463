import {
  Server,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { loadProto } from './load-proto.js';
import { wireLimits } from './limits.js';
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

/** A server with health and, unless switched off, reflection beside the given services. */
export function createGrpcServer(
  services: readonly GrpcService[],
  options: ServerOptions & { readonly reflection?: boolean } = {},
): GrpcServer {
  const { reflection = true, ...serverOptions } = options;
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
  return {
    listen: (address, security) =>
      new Promise((resolve, reject) => {
        server.bindAsync(address, serverCredentials(security), (error, port) => {
          if (error) reject(error);
          else resolve(port);
        });
      }),
    setServing: (service, serving) => health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING'),
    close: (graceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, graceMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}
