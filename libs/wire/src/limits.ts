/** Bounds of every gRPC connection of ours, on both sides. */
export const wireLimits = {
  /** One message; etcd's own clients take up to 2 GiB, a list of 10,000 pods is about 40 MiB. */
  receiveMessageBytesMax: 64 * 1024 * 1024,
  /** HTTP/2 pings: a dead peer is noticed after keepaliveTimeMs + keepaliveTimeoutMs. */
  keepaliveTimeMs: 5_000,
  keepaliveTimeoutMs: 2_000,
  /** Reconnects after a broken connection. */
  reconnectBackoffMinMs: 50,
  reconnectBackoffMaxMs: 1_000,
} as const;
