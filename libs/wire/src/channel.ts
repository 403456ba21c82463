import type { ChannelOptions } from '@grpc/grpc-js';
import { wireLimits } from './limits.js';

/** The name that every apiserver's certificate carries, whatever its address (Kubernetes' own in-cluster name). */
export const apiserverName = 'kubernetes.default.svc';

/**
 * One channel over several equal servers: the target for a client constructor.
 * `addresses` are `host:port` with IP addresses or names; several names cannot be mixed into one target, so names
 * must resolve to IPs beforehand.
 */
export function balancedTarget(addresses: readonly string[]): string {
  if (addresses.length === 0) throw new TypeError('no address to connect to');
  if (addresses.length === 1) return addresses[0]!;
  return `ipv4:${addresses.join(',')}`;
}

/**
 * Round robin over the servers that are up; a call that no server has seen is retried on another.
 * `serverName`: what the servers' certificates are checked against when the target is a list of IP addresses.
 */
export function channelOptions(options: { readonly serverName?: string } = {}): ChannelOptions {
  return {
    'grpc.service_config': JSON.stringify({
      loadBalancingConfig: [{ round_robin: {} }],
      methodConfig: [
        {
          name: [{}],
          retryPolicy: {
            maxAttempts: 4,
            initialBackoff: '0.05s',
            maxBackoff: '0.5s',
            backoffMultiplier: 2,
            retryableStatusCodes: ['UNAVAILABLE'],
          },
        },
      ],
    }),
    'grpc.max_receive_message_length': wireLimits.receiveMessageBytesMax,
    'grpc.keepalive_time_ms': wireLimits.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': wireLimits.keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.initial_reconnect_backoff_ms': wireLimits.reconnectBackoffMinMs,
    'grpc.max_reconnect_backoff_ms': wireLimits.reconnectBackoffMaxMs,
    ...(options.serverName === undefined
      ? {}
      : {
          'grpc.ssl_target_name_override': options.serverName,
          'grpc.default_authority': options.serverName,
        }),
  };
}
