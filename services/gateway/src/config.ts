import { InvalidArgumentError } from 'commander';
import type { LogLevel } from '@raftsman/telemetry';
import type { Endpoint } from './listener.js';

/** What the gateway stands in front of. */
export interface GatewayConfig {
  /** Where users connect: Kubernetes' REST and raftsman.v1 gRPC. */
  readonly httpsListen: Endpoint;
  readonly grpcListen: Endpoint;
  /** The apiservers' ports, in the same order. A backend's health is that of its apiserver's /readyz. */
  readonly httpsBackends: readonly Endpoint[];
  readonly grpcBackends: readonly Endpoint[];
  /** Authority of the apiservers' certificates (PEM file), for health checks only. */
  readonly certificateAuthorityFile: string;
  /** Between two health checks of a backend. Short finds a silent one sooner; one that refuses connections is noticed at once anyway. */
  readonly healthIntervalMs: number;
  /** How long connections may go on after SIGTERM. */
  readonly shutdownGraceMs: number;
  readonly logLevel: LogLevel;
}

/** Throws InvalidArgumentError with the one line that the user reads. */
export function validateGatewayConfig(config: GatewayConfig): GatewayConfig {
  if (config.httpsBackends.length === 0)
    throw new InvalidArgumentError('--https-backends names no apiserver.');
  if (config.httpsBackends.length !== config.grpcBackends.length) {
    throw new InvalidArgumentError(
      '--https-backends and --grpc-backends must name the same apiservers in the same order.',
    );
  }
  return config;
}
