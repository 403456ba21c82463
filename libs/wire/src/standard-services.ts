import type { Server } from '@grpc/grpc-js';
import type { HealthImplementation, ServingStatus } from 'grpc-health-check';
import { healthCheck, reflection } from './grpc.js';
import { loadProto } from './load-proto.js';

/** What of a server the packages of these services ask for. */
export type ServiceTarget = Pick<Server, 'addService'>;

/** grpc.health.v1, whose package is loaded when it is added to a server. */
export class Health {
  readonly #statuses = new Map<string, ServingStatus>([['', 'SERVING']]);
  #implementation: HealthImplementation | undefined;

  set(service: string, status: ServingStatus): void {
    this.#statuses.set(service, status);
    this.#implementation?.setStatus(service, status);
  }

  addTo(target: ServiceTarget): void {
    const { HealthImplementation } = healthCheck();
    this.#implementation = new HealthImplementation(Object.fromEntries(this.#statuses));
    this.#implementation.addToServer(target as Server);
  }
}

/** grpc.reflection.v1 and v1alpha over these contracts. */
export function addReflection(target: ServiceTarget, protoFiles: readonly string[]): void {
  const { ReflectionService } = reflection();
  new ReflectionService(Object.assign({}, ...protoFiles.map(loadProto))).addToServer(target as Server);
}
